/**
 * What servers say, by its content: bytes in, facts out, and the harmless probes that make a server speak. Does no I/O
 * and knows no port but as a hint. Nothing durable.
 */
export { ftpSoftware } from "./ftp.ts";
export { identifyService } from "./identify.ts";
export { type ProbeName, probeBytes, probeOrder } from "./probes.ts";
export { plainText, type ServiceFacts, type ServiceName, serviceNames } from "./service-facts.ts";
export { helloProbe, isNumberedGreeting, parseHelloAnswer } from "./smtp.ts";
