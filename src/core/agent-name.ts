/** Names of agents and operators: the one CN of a certificate, and file names. */
const agentName = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

/** Whether a value is one agent's name (a certificate with two CNs yields an array: that is none). */
export function isAgentName(value: unknown): value is string {
  return typeof value === "string" && agentName.test(value);
}
