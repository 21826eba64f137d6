import { dirname, join, resolve } from "node:path";
import type { LoadedConfig } from "../config/index.ts";
import { type IdentityPaths, identityPaths } from "../identity/index.ts";
import type { Config } from "./config.ts";

/** Where the identity files of a home are; absolute. */
export interface IdentityPlaces {
  readonly trustMap: string;
  readonly server: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly agent: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly operator: { readonly ca: string; readonly cert: string; readonly key: string };
  /** The agent's signing key. */
  readonly seed: string;
}

type CryptoPath = Exclude<keyof Config["crypto"], "allow_group_read">;

/** Settings of `crypto` that are set stand; the others follow `cert_dir` and the agent's name. */
export function identityPlaces({ config }: LoadedConfig<Config>, home: string): IdentityPlaces {
  const { crypto, agent, eventbus } = config;
  const place = (key: CryptoPath, folder: string, file: string) => resolve(home, crypto[key] ?? join(folder, file));
  return {
    trustMap: resolve(home, crypto.trust_map_path),
    server: {
      ca: place("ca_cert", eventbus.cert_dir, "ca.crt"),
      cert: place("server_cert", eventbus.cert_dir, "server.crt"),
      key: place("server_key", eventbus.cert_dir, "server.key"),
    },
    agent: {
      ca: place("ca_cert", agent.cert_dir, "ca.crt"),
      cert: place("agent_cert", agent.cert_dir, `${agent.name}.crt`),
      key: place("agent_key", agent.cert_dir, `${agent.name}.key`),
    },
    operator: {
      ca: place("ca_cert", agent.cert_dir, "ca.crt"),
      cert: place("operator_cert", agent.cert_dir, "operator.crt"),
      key: place("operator_key", agent.cert_dir, "operator.key"),
    },
    seed: place("ed25519_private_key", agent.cert_dir, `${agent.name}.ed25519`),
  };
}

/** The folder of certificates and the trust map of a home, as what makes and checks them takes them. */
export function homeIdentityPaths(loaded: LoadedConfig<Config>, home: string): IdentityPaths {
  const { server, trustMap } = identityPlaces(loaded, home);
  return identityPaths(home, { certs: dirname(server.ca), trustMap });
}
