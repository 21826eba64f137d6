/**
 * Who is who: signing keys, certificates and the trust map. The only place of private keys and X.509. Hands out
 * signers, verifiers and verdicts on peers. Knows no log, no network and no envelope. Durable: key files,
 * certificates and the trust map, each replaced atomically.
 */
export {
  type CertificateFacts,
  type CertificateUse,
  type ListCertificatesOptions,
  listCertificates,
} from "./certificate-facts.ts";
export {
  type IdentityNeeds,
  type IdentityPaths,
  identityFiles,
  identityPaths,
  operatorName,
} from "./identity-home.ts";
export {
  assertIdentityName,
  generateIdentity,
  type InitIdentityOptions,
  initIdentity,
  type MadeIdentity,
  prepareIdentity,
  trustTextFor,
} from "./identity-make.ts";
export { type IdentityCode, judgePeer, type PeerFacts, type PeerVerdict } from "./judge-peer.ts";
export { keyFingerprint, parsePublicKey } from "./public-key.ts";
export { keepPublicKey, loadPublicKey } from "./public-key-file.ts";
export { generateServer, type MadeServerCertificate, type ServerCertificateOptions } from "./server-certificate.ts";
export { type AgentSigner, createSigner, type LoadSignerOptions, loadSigner } from "./signer.ts";
export { hasPendingFiles } from "./staged-files.ts";
export { type LoadTlsOptions, loadTlsMaterial, type TlsMaterial, type TlsPaths } from "./tls-material.ts";
export { changeTrustFile, loadTrustDeclarations, type TrustChange } from "./trust-change.ts";
export { type DeclaredKey, isTrustName, type TrustDeclaration } from "./trust-document.ts";
export { type TrustText, trustTextOf } from "./trust-edit.ts";
export { type LoadTrustMapOptions, loadTrustMap, trustHome } from "./trust-file.ts";
export {
  type LegacyForm,
  type Permission,
  permissions,
  type TrustEntry,
  type TrustedKey,
  TrustMap,
  type Validity,
  validityAt,
} from "./trust-map.ts";
export { type TrustWatch, type TrustWatchOptions, watchTrustMap } from "./trust-watch.ts";
