/**
 * Envelopes: reads them off their bytes, seals events into them, and says what a signature covers. Pure: it knows no
 * key (signing and verifying are injected), no log and no network. Nothing here is durable; what it seals is kept byte
 * for byte by the log.
 */
export type { EnvelopeFacts, FlowEnvelopeFacts, LossFacts, ParkedFacts, ProofFacts } from "./facts.ts";
export type { EnvelopeFault, Refused } from "./fault.ts";
export { legacyUniversalJudgedBytes, legacyUniversalSignedBytes } from "./legacy-universal.ts";
export {
  envelopeBytesMax,
  envelopesPerCallMax,
  leafBytesMax,
  leafOverheadBytesMax,
  payloadBytesMax,
  plainAlgorithm,
  schemaNumber,
  sequenceMax,
  treeAlgorithm,
  treeBytesMax,
  treeLeavesMax,
} from "./limits.ts";
export { verifyStandalone, verifyTree } from "./open.ts";
export { type DecodedPayload, decodePayload, type PayloadResult, payloadJson } from "./payload.ts";
export {
  encodePublishEnvelopes,
  encodePublishTree,
  type SplitEnvelopes,
  type SplitTree,
  splitEnvelopes,
  splitTree,
} from "./publish-requests.ts";
export { type FlowEnvelopeScan, scanFlowEnvelope } from "./scan-flow-envelope.ts";
export { scanLeaf, scanStoredLeaf, scanUniversal, type UniversalScan } from "./scan-universal.ts";
export { type LeafBody, type LeafInput, type SealedGroup, sealGroup } from "./seal.ts";
export type { KeyMoment, SignatureVerifier, Signer } from "./signature.ts";
export { envelopeKey, plainMessage, treeMessage } from "./signed-messages.ts";
export { standaloneEnvelope } from "./standalone.ts";
