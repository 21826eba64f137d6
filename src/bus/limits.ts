/** What the bus holds at most, and when it asks agents to wait. */
export interface BusLimits {
  /** Sequences above the last one in order that an agent may be ahead, per agent and epoch. */
  readonly windowRecords: number;
  /** How long the commit waits for a missing sequence before it goes on without. */
  readonly windowMs: number;
  /** How long the call of an event that came early is kept open. */
  readonly earlyWaitMs: number;
  /** Calls in flight from which on answers ask to slow down. */
  readonly maxInflight: number;
  /** Calls in flight from which on further ones are refused. */
  readonly hardMax: number;
  /** Request bytes in flight from which on further calls are refused. */
  readonly inflightBytesMax: number;
  /** Free bytes of the log's file system under which nothing more is taken. */
  readonly diskLowBytes: number;
  /** Epochs of one agent that are held in memory. Any other is looked up in the log when it speaks. */
  readonly epochsHeldMax: number;
  /** Ranges of gaps of one agent that are held in memory, over all its epochs. */
  readonly gapsHeldMax: number;
  /** Epochs that one agent may begin within an hour. Each is a row of the log for good. */
  readonly epochsPerHourMax: number;
  /**
   * Ranges of missing sequences of one agent and epoch; as many declared ones are remembered. Each is made by the agent
   * and kept in memory.
   */
  readonly gapsMax: number;
  /** Records of one commit. */
  readonly batchRecordsMax: number;
  /** Record bytes of one commit. */
  readonly batchBytesMax: number;
  /** Open subscriptions, of all and of one name. */
  readonly subscribersMax: number;
  readonly subscribersPerNameMax: number;
  /** Memory of the process from which on the health page warns. */
  readonly memoryBytesMax: number;
}

export const defaultBusLimits: BusLimits = {
  windowRecords: 4096,
  windowMs: 30_000,
  earlyWaitMs: 5_000,
  maxInflight: 100,
  hardMax: 500,
  inflightBytesMax: 64 * 1024 * 1024,
  diskLowBytes: 256 * 1024 * 1024,
  // more than calls in flight; about 1 MB
  epochsHeldMax: 1024,
  // about 12 MB; a single epoch may have a twelfth of it
  gapsHeldMax: 131_072,
  // the eight agents of a host that all lose their logs every half minute
  epochsPerHourMax: 1024,
  gapsMax: 4096,
  batchRecordsMax: 4096,
  batchBytesMax: 8 * 1024 * 1024,
  subscribersMax: 64,
  subscribersPerNameMax: 8,
  memoryBytesMax: 1024 * 1024 * 1024,
};
