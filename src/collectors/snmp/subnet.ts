import { AmoskysError } from "../../core/errors.ts";
import { addressCount, type IpRange, isWithin, parseIpRange, privateRanges } from "../../core/ip-range.ts";

const prefixMin = 16;

/** Reads `192.168.1.0/24`. Throws `config_invalid` for what is none, is not private, or is larger than a /16. */
export function parseSubnet(text: string): IpRange {
  const range = text.includes("/") ? parseIpRange(text) : undefined;
  if (range?.family !== 4) {
    throw new AmoskysError("config_invalid", `"${text}" is no IPv4 range; write 192.168.1.0/24`);
  }
  if (addressCount(range) > 2 ** (32 - prefixMin)) {
    throw new AmoskysError("config_invalid", `${text} is larger than a /${prefixMin}`);
  }
  if (!isWithin(range, privateRanges)) {
    throw new AmoskysError("config_invalid", `${text} is not private; only private ranges are searched`);
  }
  return range;
}
