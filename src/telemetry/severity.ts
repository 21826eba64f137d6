/** How much an event matters, in the words of TelemetryEvent. */
export type Severity = "INFO" | "WARN" | "ERROR" | "CRITICAL";
