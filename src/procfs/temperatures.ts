import type { FileReader } from "./file-reader.ts";
import { folderNames } from "./folder-names.ts";

/** One sensor of a chip that the kernel's hwmon knows (hwmon/sysfs-interface.rst). */
export interface Temperature {
  /** Of the chip's folder, such as `hwmon2`: chips of one kind share their name. */
  readonly device: string;
  readonly chip: string;
  /** What the chip calls it, else its number, such as `temp1`. */
  readonly sensor: string;
  readonly celsius: number;
}

/** The temperatures that a host's sensors tell; empty where it has none. Sensors that do not answer are left out. */
export function readTemperatures(sysRoot: string, reader: FileReader): Temperature[] {
  const folder = `${sysRoot}/class/hwmon`;
  return folderNames(folder).flatMap((device) => {
    const chip = readLine(reader, `${folder}/${device}/name`) ?? device;
    return folderNames(`${folder}/${device}`).flatMap((file) => {
      const number = /^(temp\d+)_input$/.exec(file)?.[1];
      const milli = number === undefined ? undefined : readLine(reader, `${folder}/${device}/${file}`);
      if (number === undefined || milli === undefined || !/^-?\d+$/.test(milli)) return [];
      const sensor = readLine(reader, `${folder}/${device}/${number}_label`) || number;
      return [{ device, chip, sensor, celsius: Number(milli) / 1000 }];
    });
  });
}

/** A chip that sleeps answers EAGAIN, one that is broken EIO or ENODATA. */
function readLine(reader: FileReader, path: string): string | undefined {
  try {
    return reader.readText(path)?.trim();
  } catch {
    return undefined;
  }
}
