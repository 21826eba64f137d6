type Labels = readonly string[];

/** One metric of /metrics; names follow Prometheus naming practice, labels come from closed sets. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: Labels;
  /** Upper bounds of a histogram, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const latencyMs = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

function counter(name: string, help: string, labels: Labels = []): MetricDefinition {
  return { name, help, type: "counter", labels };
}

function gauge(name: string, help: string, labels: Labels = []): MetricDefinition {
  return { name, help, type: "gauge", labels };
}

function histogram(name: string, help: string, buckets: readonly number[], labels: Labels = []): MetricDefinition {
  return { name, help, type: "histogram", labels, buckets };
}

/**
 * Every metric there is; an observer refuses other names. Those without `amoskys_` are read by dashboards in the field.
 */
export const metrics: readonly MetricDefinition[] = [
  counter("process_cpu_seconds_total", "User and system time used by this process."),
  gauge("process_resident_memory_bytes", "Memory of this process that is resident."),
  gauge("process_start_time_seconds", "When this process started, since the Unix epoch."),
  counter("bus_publish_total", "Publish calls answered, by status.", ["status"]),
  histogram("bus_publish_latency_ms", "Time from a publish call to its answer.", latencyMs),
  gauge("bus_inflight_requests", "Publish calls not answered yet."),
  counter("bus_invalid_total", "Publish calls answered with INVALID."),
  counter("bus_retry_total", "Publish calls answered with RETRY or OVERLOAD."),
  gauge("agent_wal_backlog_bytes", "Bytes in the log that the bus has not acknowledged."),
  counter("agent_publish_ok_total", "Events acknowledged by the bus."),
  counter("agent_publish_retry_total", "Publish calls to be tried again."),
  counter("agent_publish_fail_total", "Events the bus refused for good."),
  histogram("agent_publish_latency_ms", "Time from a publish call to its answer, as the agent sees it.", latencyMs),
  counter("amoskys_busagent_failed_looks_total", "Looks at the bus that had no answer."),
  gauge("amoskys_busagent_bus_up", "1 where the bus answered the last look."),
  gauge("amoskys_busagent_unanswered_seconds", "Since the bus answered last; 0 where it answers."),
  histogram(
    "amoskys_busagent_round_trip_seconds",
    "Time from a look at the bus to its answer.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
  gauge("amoskys_agent_cpu_ratio", "Processors in use over the last minute."),
  gauge("amoskys_agent_budget_cpu_ratio", "Processors that the agent may use."),
  gauge("amoskys_agent_budget_memory_bytes", "Resident memory that the agent may use."),
  counter("amoskys_flow_frames_total", "Frames that the flow agent has seen."),
  counter("amoskys_flow_frame_bytes_total", "Bytes of these frames on the wire."),
  counter("amoskys_flow_other_frames_total", "Frames that belong to no flow, by reason.", ["reason"]),
  counter("amoskys_flow_own_packets_total", "Packets of the agent's own connection."),
  gauge("amoskys_flow_flows_active", "Flows in the table."),
  counter("amoskys_flow_flows_created_total", "Flows that began."),
  counter("amoskys_flow_flows_ended_total", "Flows that ended, by reason.", ["reason"]),
  counter("amoskys_flow_capture_packets_total", "Frames the kernel had for the packet rings."),
  counter("amoskys_flow_capture_drops_total", "Frames that found a packet ring full."),
  counter("amoskys_flow_capture_freezes_total", "How often a packet ring was found full."),
  counter("amoskys_flow_capture_lost_flows_total", "Flows lost because the agent fell behind."),
  gauge("amoskys_flow_capture_interfaces", "Interfaces captured from that are up."),
  counter("amoskys_proc_events_total", "Process events handed on, by kind.", ["kind"]),
  gauge("amoskys_proc_processes", "Processes in the last round."),
  gauge("amoskys_proc_hidden_processes", "Processes that the agent may not read."),
  gauge("amoskys_proc_closed_processes", "Processes whose executable file the agent may not see."),
  counter("amoskys_proc_vanished_total", "Processes that ended while they were read."),
  counter("amoskys_proc_unread_total", "Processes that were there and could not be read."),
  gauge("amoskys_host_metrics", "Metrics in the last round."),
  gauge("amoskys_host_missing_parts", "1 for each part that the kernel did not show in the last round.", ["part"]),
  gauge("amoskys_host_unanswered_file_systems", "File systems left out of the last round, by why.", ["outcome"]),
  counter("amoskys_synthetic_events_total", "Made-up events handed on, by scenario.", ["scenario"]),
  counter("amoskys_synthetic_instances_total", "Scenarios that were made up to their end, by scenario.", ["scenario"]),
  counter("amoskys_syscall_calls_total", "System calls counted."),
  counter("amoskys_syscall_unattributed_total", "System calls counted without their process, for want of room."),
  counter("amoskys_syscall_uncounted_total", "System calls seen and not counted."),
  gauge("amoskys_syscall_pairs", "Pairs of process and system call in the last interval."),
  counter("amoskys_syscall_execs_total", "Executed programs handed on."),
  counter("amoskys_syscall_execs_lost_total", "Executed programs that found no room."),
  counter("amoskys_syscall_args_missing_total", "Executed programs whose arguments could not be read."),
  gauge("amoskys_scan_hosts", "Hosts found in the last scan."),
  gauge("amoskys_scan_open_ports", "Open ports found in the last scan."),
  counter(
    "amoskys_scan_arp_failures_total",
    "Networks whose hosts could not be asked by ARP, by the code of the error.",
    ["code"],
  ),
  counter("amoskys_scan_arp_drops_total", "Frames with answers to ARP that found no room.", ["interface"]),
  counter("amoskys_scan_refused_names_total", "Targets whose name could not be scanned, or not whole, by reason.", [
    "reason",
  ]),
  counter("amoskys_scan_ports_total", "Ports tried, by what came of it.", ["state"]),
  counter("amoskys_scan_changes_total", "Differences from scan to scan, by kind.", ["kind"]),
  gauge("amoskys_snmp_devices", "Devices in the last round, by state.", ["state"]),
  gauge("amoskys_snmp_interfaces", "Interfaces read in the last round."),
  counter("amoskys_snmp_failures_total", "Devices that could not be read, or not whole, by the code of the error.", [
    "code",
  ]),
  counter(
    "amoskys_snmp_unasked_devices_total",
    "Devices that this host could not ask, so that their state is unknown.",
  ),
  counter("amoskys_snmp_discarded_answers_total", "Datagrams that were no answer to a question, by reason.", [
    "reason",
  ]),
  counter("amoskys_snmp_addresses_asked_total", "Addresses asked in a search."),
  histogram(
    "amoskys_snmp_device_seconds",
    "Time that one device took in a round.",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ),
  counter("amoskys_agent_stored_events_total", "Events made durable in the agent's log."),
  counter("amoskys_agent_lost_events_total", "Events lost, each declared by a signed record, by reason.", ["reason"]),
  histogram(
    "amoskys_agent_commit_duration_seconds",
    "Time to seal and store one group of events.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  ),
  histogram(
    "amoskys_agent_round_seconds",
    "Time of one round of an agent that looks again and again.",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ),
  counter("amoskys_agent_failed_rounds_total", "Rounds that failed."),
  gauge("amoskys_agent_queue_events", "Events that wait to be stored."),
  gauge("amoskys_agent_produced_events", "Sequences that the agent's log has given."),
  gauge("amoskys_agent_audit_events", "What became of all produced events, by fate: settled, parked, lost, pending.", [
    "fate",
  ]),
  gauge(
    "amoskys_agent_audit_difference_events",
    "Produced events that no fate accounts for; anything but 0 is a fault.",
  ),
  gauge("amoskys_agent_log_bytes", "Bytes of all records in the agent's log."),
  gauge("amoskys_agent_log_budget_bytes", "What the records of the log may take."),
  gauge("amoskys_agent_state", "1 for the state that the agent is in.", ["state"]),
  gauge("amoskys_agent_last_ack_timestamp_seconds", "When the bus acknowledged something last, since the Unix epoch."),
  gauge(
    "amoskys_agent_certificate_not_after_timestamp_seconds",
    "When the agent's certificate ends, since the Unix epoch.",
  ),
  counter("amoskys_bus_messages_received_total", "Events that agents of the trust map sent.", ["agent"]),
  counter("amoskys_bus_messages_processed_total", "Events acknowledged.", ["agent"]),
  counter("amoskys_bus_messages_duplicate_total", "Events acknowledged that were stored already.", ["agent"]),
  counter("amoskys_bus_messages_failed_total", "Events not acknowledged, by the code of the answer.", [
    "agent",
    "code",
  ]),
  counter("amoskys_bus_authentication_failures_total", "Calls refused for who made them, by the code of the answer.", [
    "code",
  ]),
  counter("amoskys_bus_forks_total", "Events refused because another one was stored in their place.", ["agent"]),
  counter("amoskys_bus_gaps_total", "Ranges of sequences that were missing after the window's time.", ["agent"]),
  counter("amoskys_bus_chain_breaks_total", "Events stored whose prev_sig is not the signature before them.", [
    "agent",
  ]),
  counter("amoskys_bus_records_stored_total", "Records committed to the log."),
  counter("amoskys_bus_damaged_records_total", "Stored records found damaged when read."),
  histogram(
    "amoskys_bus_commit_duration_seconds",
    "Time of one commit, the sync included.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
  gauge("amoskys_bus_subscribers", "Open subscriptions."),
  gauge("amoskys_bus_queue_depth", "Publish calls let in and not answered."),
  gauge("amoskys_bus_connections", "Open connections."),
  counter("amoskys_bus_trust_errors_total", "New trust maps that could not be used."),
  gauge(
    "amoskys_bus_certificate_not_after_timestamp_seconds",
    "When the bus's certificate ends, since the Unix epoch.",
  ),
  gauge("amoskys_bus_epochs_held", "Epochs of agents that are held in memory."),
  gauge("amoskys_bus_missing_sequences", "Sequences that nothing accounts for."),
  gauge("amoskys_bus_disk_free_bytes", "Room on the disk of the log."),
  counter("amoskys_bus_connections_opened_total", "Connections whose handshake was done."),
  counter(
    "amoskys_bus_connections_refused_total",
    "Connections refused before the handshake, by the limit they were over.",
    ["limit"],
  ),
  counter("amoskys_bus_connections_cut_total", "Connections that the bus ended, by reason.", ["reason"]),
  counter(
    "amoskys_bus_handshake_failures_total",
    "Handshakes that came to nothing before a certificate was judged, by reason.",
    ["reason"],
  ),
  counter(
    "amoskys_bus_peers_refused_total",
    "Handshakes and calls refused for the certificate of the peer, by reason.",
    ["reason"],
  ),
  counter("amoskys_bus_calls_total", "Calls that are over, by method and gRPC status.", ["method", "status"]),
  histogram(
    "amoskys_bus_call_duration_seconds",
    "Time of the stages of a call that carries events.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    ["stage"],
  ),
  counter("amoskys_bus_received_bytes_total", "Message bytes of answered event calls."),
  counter("amoskys_bus_sent_bytes_total", "Message bytes of the answers to event calls."),
  counter("amoskys_agent_connections_total", "Connections to the bus that were tried, by outcome.", ["outcome"]),
  gauge("amoskys_log_records", "Records in the log, by state.", ["state"]),
  gauge("amoskys_log_live_bytes", "What the records of the log take, counted for its budget."),
  gauge("amoskys_log_pending_bytes", "What the pending records of the log take."),
  gauge("amoskys_log_file_bytes", "Size of the log's database file."),
  gauge("amoskys_log_write_ahead_bytes", "Size of the write-ahead file beside the log."),
  counter("amoskys_log_appended_total", "Records appended to the log."),
  counter("amoskys_log_settled_total", "Records of the log settled."),
  counter("amoskys_log_parked_total", "Records of the log parked."),
  counter("amoskys_log_shed_total", "Records dropped from the log to make room."),
  counter("amoskys_log_pruned_total", "Settled records that left the log."),
  counter("amoskys_log_errors_total", "Changes of the log that failed, by the code of the error.", ["code"]),
  histogram(
    "amoskys_log_commit_seconds",
    "Time of one append to the log, the sync included.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
  histogram(
    "amoskys_log_checkpoint_seconds",
    "Time of writing the write-ahead file back.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
];
