import { type ServiceFacts, serviceFacts } from "./service-facts.ts";

/** CONNECT without a client id and with a clean session, and DISCONNECT at once (MQTT 3.1.1, 3.1 and 3.14). */
export const mqttProbe: Uint8Array = Uint8Array.of(
  ...[0x10, 0x0c, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0x04, 0x02, 0x00, 0x1e, 0x00, 0x00],
  ...[0xe0, 0x00],
);

/** CONNACK (MQTT 3.1.1, 3.2), with its return code; 0 to 5 are all there are. */
export function parseMqtt(bytes: Uint8Array): ServiceFacts | undefined {
  const [type, length, flags, code] = bytes;
  if (type !== 0x20 || length !== 2 || flags === undefined || flags > 1 || code === undefined || code > 5) {
    return undefined;
  }
  return serviceFacts("mqtt", true, { details: { return_code: String(code) } });
}
