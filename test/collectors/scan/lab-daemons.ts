// Debian's own servers for the hosts of the lab, unpacked and started as they are: nothing of them is configured beyond
// where they listen and write.
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { peerProgram } from "../../support/debian.ts";

/** How a server of one kind is started. */
export interface Daemon {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What ends it at once, where that is not SIGTERM. */
  readonly signal?: NodeJS.Signals;
}

export interface Place {
  readonly address: string;
  readonly port: number;
  /** A folder of its own, that any user may enter. */
  readonly folder: string;
  /** Paths of a certificate and its key. */
  readonly cert: string;
  readonly key: string;
}

const nobody = 65_534;
const asNobody = ["setpriv", "--reuid", String(nobody), "--regid", String(nobody), "--clear-groups"];

function environmentOf(program: string): Record<string, string | undefined> {
  // .../FOLDER/usr/bin/program
  const root = join(dirname(program), "../..");
  const libraries = [join(root, "usr/lib/x86_64-linux-gnu"), join(root, "lib/x86_64-linux-gnu")].join(":");
  return { PATH: process.env.PATH, LD_LIBRARY_PATH: libraries, TZ: "UTC" };
}

type Start = (program: string, place: Place) => readonly string[];

function nginx(program: string, { address, port, folder, cert, key }: Place): readonly string[] {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  const tls = port % 1000 === 443 ? `ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}` : "";
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log; events {worker_connections 64;}
http {access_log off; ${paths} server {listen ${address}:${port} ${tls}; location / {return 200 "lab";}}}\n`,
  );
  return [program, "-p", folder, "-c", join(folder, "nginx.conf")];
}

function vsftpd(program: string, { address, port, folder }: Place): readonly string[] {
  const settings = [`listen_address=${address}`, `listen_port=${port}`, `secure_chroot_dir=${folder}`, "listen=YES"];
  settings.push("ftp_username=nobody", "nopriv_user=nobody", "background=NO", "seccomp_sandbox=NO", "isolate=NO");
  writeFileSync(join(folder, "vsftpd.conf"), `${settings.join("\n")}\nisolate_network=NO\n`);
  return [program, join(folder, "vsftpd.conf")];
}

function postgres(program: string, { address, port, folder }: Place): readonly string[] {
  const data = join(folder, "data");
  mkdirSync(data);
  chownSync(data, nobody, nobody);
  const initdb = [join(dirname(program), "initdb"), "-D", data, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"];
  const made = Bun.spawnSync([...asNobody, ...initdb], {
    env: environmentOf(program),
    stdout: "ignore",
    stderr: "pipe",
  });
  if (made.exitCode !== 0) throw new Error(`initdb: ${made.stderr}`);
  const settings = [`listen_addresses=${address}`, "unix_socket_directories=", "jit=off", "fsync=off"];
  return [...asNobody, program, "-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
}

function mariadb(program: string, { address, port, folder }: Place): readonly string[] {
  const paths = [`--datadir=${folder}`, `--socket=${folder}/sock`, `--pid-file=${folder}/pid`];
  const messages = `--lc-messages-dir=${join(dirname(program), "../share/mysql")}`;
  const small = ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--performance-schema=OFF"];
  const listen = [`--bind-address=${address}`, `--port=${port}`, "--skip-name-resolve", "--user=root"];
  return [program, "--no-defaults", "--skip-grant-tables", ...paths, messages, ...small, ...listen];
}

/** By kind: the program, the packages that this machine may lack, and its command line. */
const daemons: Readonly<Record<string, { command: string; packages: string[]; start: Start; signal?: "SIGINT" }>> = {
  ssh: {
    command: "sshd",
    packages: ["openssh-server", "libwrap0", "libnsl2"],
    start: (program, { address, port, folder, key }) => {
      const listen = ["-o", `ListenAddress=${address}`, "-p", String(port), "-o", "PidFile=none"];
      const own = join(folder, "key");
      Bun.spawnSync(["install", "-m", "600", "-o", String(nobody), key, own]);
      return [...asNobody, program, "-D", "-e", "-f", "/dev/null", "-h", own, ...listen];
    },
  },
  http: { command: "nginx", packages: ["nginx", "nginx-common"], start: nginx },
  tls: { command: "nginx", packages: ["nginx", "nginx-common"], start: nginx },
  redis: {
    command: "redis-server",
    packages: ["redis-server", "redis-tools", "libjemalloc2", "liblzf1"],
    start: (program, { address, port, folder }) => {
      const settings = ["--protected-mode", "no", "--save", "", "--dir", folder];
      return [program, "--bind", address, "--port", String(port), ...settings];
    },
  },
  mqtt: {
    command: "mosquitto",
    packages: ["mosquitto", "libmosquitto1", "libcjson1", "libdlt2", "libwrap0", "libnsl2"],
    start: (program, { address, port, folder }) => {
      writeFileSync(join(folder, "conf"), `listener ${port} ${address}\nallow_anonymous true\nuser root\n`);
      return [program, "-c", join(folder, "conf")];
    },
  },
  dns: {
    command: "dnsmasq",
    packages: ["dnsmasq-base", "libnetfilter-conntrack3", "libnftables1", "libnfnetlink0", "libnftnl11", "libjansson4"],
    start: (program, { address, port }) => {
      const bare = ["-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root", "--group=root"];
      return [program, ...bare, "--bind-interfaces", `--listen-address=${address}`, `--port=${port}`];
    },
  },
  ftp: { command: "vsftpd", packages: ["vsftpd", "libwrap0", "libnsl2"], start: vsftpd },
  mysql: { command: "mariadbd", packages: ["mariadb-server-core", "liburing2", "libaio1"], start: mariadb },
  postgres: {
    // not in a folder for programs
    command: "../lib/postgresql/15/bin/postgres",
    packages: ["postgresql-15", "libpq5", "libldap-2.5-0"],
    start: postgres,
    signal: "SIGINT",
  },
};

/** Debian's server of a kind, ready to be started; undefined where there is none or it cannot be had. */
export function daemonOf(kind: string, place: Place): Daemon | undefined {
  const known = daemons[kind];
  const program = known && peerProgram(known.command, known.packages);
  if (!program) return undefined;
  mkdirSync(place.folder, { mode: 0o755 });
  const environment = environmentOf(program.replace("../lib/postgresql/15/", ""));
  const argv = known.start(program, place);
  return { argv, environment, ...(known.signal ? { signal: known.signal } : {}) };
}
