/** The services that are known by what they say. */
export const serviceNames = ["ssh", "http", "tls", "ftp", "smtp", "dns", "redis", "mysql", "postgres", "mqtt"] as const;
export type ServiceName = (typeof serviceNames)[number];

/** What bytes of a server say of it. Texts are bounded and printable ASCII. */
export interface ServiceFacts {
  readonly service: ServiceName;
  /** The software, as the server calls it. */
  readonly product?: string;
  readonly version?: string;
  /** More that the server said by itself, such as the comment of an SSH banner; names are lower case. */
  readonly details?: Readonly<Record<string, string>>;
  /** Nothing more that matters would come: no need to wait for further bytes. */
  readonly complete: boolean;
}

const textCharsMax = 200;

/** Text of a server, bounded, with what is not printable ASCII as `.`. */
export function plainText(text: string, charsMax: number = textCharsMax): string {
  return text.slice(0, charsMax).replace(/[^\x20-\x7e]/g, ".");
}

/** The bytes as one character each. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The facts with empty fields left out. */
export function serviceFacts(
  service: ServiceName,
  complete: boolean,
  found: {
    product?: string | undefined;
    version?: string | undefined;
    details?: Record<string, string | undefined>;
  } = {},
): ServiceFacts {
  const { product, version, details = {} } = found;
  const said = Object.entries(details).flatMap(([key, value]) => (value ? [[key, plainText(value)] as const] : []));
  return {
    service,
    ...(product ? { product: plainText(product) } : {}),
    ...(version ? { version: plainText(version) } : {}),
    ...(said.length > 0 ? { details: Object.fromEntries(said) } : {}),
    complete,
  };
}
