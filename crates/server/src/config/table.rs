//! The table of directives: one row each.
//!
//! field: type = default, "name" | "alias", kind, mutable or fixed, shown or hidden, effect. All directives of
//! redis 7.2.4 are known. `Effect::Later`: accepted and reported, without effect yet. `Effect::Refused`: it promises
//! durability or access control that isn't built yet, so it stops the start when set away from its default.

use super::setting::{Choice, KeyspaceEvents, OutputLimits, ReplicaOf, Saves, Setting, ShutdownFlags, Words};
use super::{Effect, FIXED, HIDDEN, Kind, MUTABLE, Renames, Row, SHOWN};

macro_rules! directives {
    ($($field:ident: $type:ty = $default:expr, $name:literal $(| $alias:literal)?, $kind:expr, $change:expr, $shown:expr, $effect:expr;)+) => {
        /// The configuration: a field per directive.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $(pub $field: $type,)+
            /// `rename-command`, which is no directive with a value.
            pub renames: Renames,
        }

        impl Default for Config {
            fn default() -> Self { Self { $($field: $default,)+ renames: Renames::default() } }
        }

        /// Every directive, by name.
        pub const ROWS: &[Row] = &[$(Row {
            name: $name,
            alias: { #[allow(unused_mut, unused_assignments)] { let mut alias = ""; $(alias = $alias;)? alias } },
            kind: $kind,
            is_mutable: $change,
            is_shown: $shown,
            effect: $effect,
            get: |config| config.$field.text(&$kind),
            read: |config, words| config.$field.read(&$kind, words),
        },)+];
    };
}

/// The cores, at most 8.
fn default_threads() -> i64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8) as i64)
}

directives! {
acl_pubsub_default: Choice = Choice("resetchannels"), "acl-pubsub-default", Kind::Enum(&["allchannels", "resetchannels"]), MUTABLE, SHOWN, Effect::Later;
aclfile: String = "".into(), "aclfile", Kind::Text, FIXED, SHOWN, Effect::Refused("access control lists");
acllog_max_len: i64 = 128, "acllog-max-len", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
active_defrag_cycle_max: i64 = 25, "active-defrag-cycle-max", Kind::Int { min: 1, max: 99 }, MUTABLE, SHOWN, Effect::Later;
active_defrag_cycle_min: i64 = 1, "active-defrag-cycle-min", Kind::Int { min: 1, max: 99 }, MUTABLE, SHOWN, Effect::Later;
active_defrag_ignore_bytes: i64 = 104857600, "active-defrag-ignore-bytes", Kind::Memory { min: 1, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
active_defrag_max_scan_fields: i64 = 1000, "active-defrag-max-scan-fields", Kind::Int { min: 1, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
active_defrag_threshold_lower: i64 = 10, "active-defrag-threshold-lower", Kind::Int { min: 0, max: 1000 }, MUTABLE, SHOWN, Effect::Later;
active_defrag_threshold_upper: i64 = 100, "active-defrag-threshold-upper", Kind::Int { min: 0, max: 1000 }, MUTABLE, SHOWN, Effect::Later;
active_expire_effort: i64 = 1, "active-expire-effort", Kind::Int { min: 1, max: 10 }, MUTABLE, SHOWN, Effect::Later;
activedefrag: bool = false, "activedefrag", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
activerehashing: bool = true, "activerehashing", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
always_show_logo: bool = false, "always-show-logo", Kind::Bool, FIXED, SHOWN, Effect::Now;
aof_disable_auto_gc: bool = false, "aof-disable-auto-gc", Kind::Bool, MUTABLE, HIDDEN, Effect::Later;
aof_load_truncated: bool = true, "aof-load-truncated", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
aof_rewrite_incremental_fsync: bool = true, "aof-rewrite-incremental-fsync", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
aof_timestamp_enabled: bool = false, "aof-timestamp-enabled", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
aof_use_rdb_preamble: bool = true, "aof-use-rdb-preamble", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
aof_rewrite_cpulist: String = "".into(), "aof_rewrite_cpulist", Kind::Text, FIXED, SHOWN, Effect::Later;
appenddirname: String = "appendonlydir".into(), "appenddirname", Kind::Text, FIXED, SHOWN, Effect::Later;
appendfilename: String = "appendonly.aof".into(), "appendfilename", Kind::Text, FIXED, SHOWN, Effect::Later;
appendfsync: Choice = Choice("everysec"), "appendfsync", Kind::Enum(&["everysec", "always", "no"]), MUTABLE, SHOWN, Effect::Later;
appendonly: bool = false, "appendonly", Kind::Bool, MUTABLE, SHOWN, Effect::Refused("the append-only file");
auto_aof_rewrite_min_size: i64 = 67108864, "auto-aof-rewrite-min-size", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
auto_aof_rewrite_percentage: i64 = 100, "auto-aof-rewrite-percentage", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Later;
bgsave_cpulist: String = "".into(), "bgsave_cpulist", Kind::Text, FIXED, SHOWN, Effect::Later;
bind: Words = Words::of("* -::*"), "bind", Kind::Special, MUTABLE, SHOWN, Effect::Now;
bind_source_addr: String = "".into(), "bind-source-addr", Kind::Text, MUTABLE, SHOWN, Effect::Later;
bio_cpulist: String = "".into(), "bio_cpulist", Kind::Text, FIXED, SHOWN, Effect::Later;
busy_reply_threshold: i64 = 5000, "busy-reply-threshold" | "lua-time-limit", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
client_output_buffer_limit: OutputLimits = OutputLimits::default(), "client-output-buffer-limit", Kind::Special, MUTABLE, SHOWN, Effect::Now;
client_query_buffer_limit: i64 = 1073741824, "client-query-buffer-limit", Kind::Memory { min: 1048576, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
cluster_allow_pubsubshard_when_down: bool = true, "cluster-allow-pubsubshard-when-down", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
cluster_allow_reads_when_down: bool = false, "cluster-allow-reads-when-down", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
cluster_allow_replica_migration: bool = true, "cluster-allow-replica-migration", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
cluster_announce_bus_port: i64 = 0, "cluster-announce-bus-port", Kind::Int { min: 0, max: 65535 }, MUTABLE, SHOWN, Effect::Later;
cluster_announce_hostname: String = "".into(), "cluster-announce-hostname", Kind::Text, MUTABLE, SHOWN, Effect::Later;
cluster_announce_human_nodename: String = "".into(), "cluster-announce-human-nodename", Kind::Text, MUTABLE, SHOWN, Effect::Later;
cluster_announce_ip: String = "".into(), "cluster-announce-ip", Kind::Text, MUTABLE, SHOWN, Effect::Later;
cluster_announce_port: i64 = 0, "cluster-announce-port", Kind::Int { min: 0, max: 65535 }, MUTABLE, SHOWN, Effect::Later;
cluster_announce_tls_port: i64 = 0, "cluster-announce-tls-port", Kind::Int { min: 0, max: 65535 }, MUTABLE, SHOWN, Effect::Later;
cluster_config_file: String = "nodes.conf".into(), "cluster-config-file", Kind::Text, FIXED, SHOWN, Effect::Later;
cluster_enabled: bool = false, "cluster-enabled", Kind::Bool, FIXED, SHOWN, Effect::Refused("cluster mode");
cluster_link_sendbuf_limit: i64 = 0, "cluster-link-sendbuf-limit", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
cluster_migration_barrier: i64 = 1, "cluster-migration-barrier", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Later;
cluster_node_timeout: i64 = 15000, "cluster-node-timeout", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
cluster_port: i64 = 0, "cluster-port", Kind::Int { min: 0, max: 65535 }, FIXED, SHOWN, Effect::Later;
cluster_preferred_endpoint_type: Choice = Choice("ip"), "cluster-preferred-endpoint-type", Kind::Enum(&["ip", "hostname", "unknown-endpoint"]), MUTABLE, SHOWN, Effect::Later;
cluster_replica_no_failover: bool = false, "cluster-replica-no-failover" | "cluster-slave-no-failover", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
cluster_replica_validity_factor: i64 = 10, "cluster-replica-validity-factor" | "cluster-slave-validity-factor", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Later;
cluster_require_full_coverage: bool = true, "cluster-require-full-coverage", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
crash_log_enabled: bool = true, "crash-log-enabled", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
crash_memcheck_enabled: bool = true, "crash-memcheck-enabled", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
daemonize: bool = false, "daemonize", Kind::Bool, FIXED, SHOWN, Effect::Now;
databases: i64 = 16, "databases", Kind::Int { min: 1, max: 2147483647 }, FIXED, SHOWN, Effect::Now;
dbfilename: String = "dump.rdb".into(), "dbfilename", Kind::Text, MUTABLE, SHOWN, Effect::Now;
dir: String = ".".into(), "dir", Kind::Text, MUTABLE, SHOWN, Effect::Now;
disable_thp: bool = true, "disable-thp", Kind::Bool, FIXED, SHOWN, Effect::Later;
dynamic_hz: bool = true, "dynamic-hz", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
enable_debug_command: Choice = Choice("no"), "enable-debug-command", Kind::Enum(&["no", "yes", "local"]), FIXED, SHOWN, Effect::Now;
enable_module_command: Choice = Choice("no"), "enable-module-command", Kind::Enum(&["no", "yes", "local"]), FIXED, SHOWN, Effect::Now;
enable_protected_configs: Choice = Choice("no"), "enable-protected-configs", Kind::Enum(&["no", "yes", "local"]), FIXED, SHOWN, Effect::Now;
hash_max_listpack_entries: i64 = 512, "hash-max-listpack-entries" | "hash-max-ziplist-entries", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
hash_max_listpack_value: i64 = 64, "hash-max-listpack-value" | "hash-max-ziplist-value", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
hll_sparse_max_bytes: i64 = 3000, "hll-sparse-max-bytes", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
hz: i64 = 10, "hz", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
ignore_warnings: String = "".into(), "ignore-warnings", Kind::Text, MUTABLE, SHOWN, Effect::Later;
io_threads: i64 = default_threads(), "io-threads", Kind::Int { min: 1, max: 128 }, FIXED, SHOWN, Effect::Now;
io_threads_do_reads: bool = false, "io-threads-do-reads", Kind::Bool, FIXED, SHOWN, Effect::Later;
jemalloc_bg_thread: bool = true, "jemalloc-bg-thread", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
key_load_delay: i64 = 0, "key-load-delay", Kind::Int { min: -2147483648, max: 2147483647 }, MUTABLE, HIDDEN, Effect::Now;
latency_monitor_threshold: i64 = 0, "latency-monitor-threshold", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
latency_tracking: bool = true, "latency-tracking", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
latency_tracking_info_percentiles: Words = Words::of("50 99 99.9"), "latency-tracking-info-percentiles", Kind::Special, MUTABLE, SHOWN, Effect::Now;
lazyfree_lazy_eviction: bool = false, "lazyfree-lazy-eviction", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
lazyfree_lazy_expire: bool = false, "lazyfree-lazy-expire", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
lazyfree_lazy_server_del: bool = false, "lazyfree-lazy-server-del", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
lazyfree_lazy_user_del: bool = false, "lazyfree-lazy-user-del", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
lazyfree_lazy_user_flush: bool = false, "lazyfree-lazy-user-flush", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
lfu_decay_time: i64 = 1, "lfu-decay-time", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
lfu_log_factor: i64 = 10, "lfu-log-factor", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
list_compress_depth: i64 = 0, "list-compress-depth", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
list_max_listpack_size: i64 = -2, "list-max-listpack-size" | "list-max-ziplist-size", Kind::Int { min: -2147483648, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
loading_process_events_interval_bytes: i64 = 2097152, "loading-process-events-interval-bytes", Kind::Memory { min: 1024, max: 2147483647 }, MUTABLE, HIDDEN, Effect::Later;
locale_collate: String = "".into(), "locale-collate", Kind::Text, MUTABLE, SHOWN, Effect::Now;
logfile: String = "".into(), "logfile", Kind::Text, FIXED, SHOWN, Effect::Now;
loglevel: Choice = Choice("notice"), "loglevel", Kind::Enum(&["debug", "verbose", "notice", "warning", "nothing"]), MUTABLE, SHOWN, Effect::Now;
masterauth: String = "".into(), "masterauth", Kind::Text, MUTABLE, SHOWN, Effect::Now;
masteruser: String = "".into(), "masteruser", Kind::Text, MUTABLE, SHOWN, Effect::Now;
maxclients: i64 = 10000, "maxclients", Kind::Int { min: 1, max: 4294967295 }, MUTABLE, SHOWN, Effect::Now;
maxmemory: i64 = 0, "maxmemory", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Refused("a memory limit");
maxmemory_clients: i64 = 0, "maxmemory-clients", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Refused("a memory limit for clients");
maxmemory_eviction_tenacity: i64 = 10, "maxmemory-eviction-tenacity", Kind::Int { min: 0, max: 100 }, MUTABLE, SHOWN, Effect::Later;
maxmemory_policy: Choice = Choice("noeviction"), "maxmemory-policy", Kind::Enum(&["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"]), MUTABLE, SHOWN, Effect::Later;
maxmemory_samples: i64 = 5, "maxmemory-samples", Kind::Int { min: 1, max: 64 }, MUTABLE, SHOWN, Effect::Later;
min_replicas_max_lag: i64 = 10, "min-replicas-max-lag" | "min-slaves-max-lag", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
min_replicas_to_write: i64 = 0, "min-replicas-to-write" | "min-slaves-to-write", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
no_appendfsync_on_rewrite: bool = false, "no-appendfsync-on-rewrite", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
notify_keyspace_events: KeyspaceEvents = KeyspaceEvents::default(), "notify-keyspace-events", Kind::Special, MUTABLE, SHOWN, Effect::Later;
oom_score_adj: Choice = Choice("no"), "oom-score-adj", Kind::Enum(&["no", "yes", "relative", "absolute"]), MUTABLE, SHOWN, Effect::Later;
oom_score_adj_values: Words = Words::of("0 200 800"), "oom-score-adj-values", Kind::Special, MUTABLE, SHOWN, Effect::Later;
pidfile: String = "".into(), "pidfile", Kind::Text, FIXED, SHOWN, Effect::Now;
port: i64 = 6379, "port", Kind::Int { min: 0, max: 65535 }, MUTABLE, SHOWN, Effect::Now;
proc_title_template: String = "{title} {listen-addr} {server-mode}".into(), "proc-title-template", Kind::Text, MUTABLE, SHOWN, Effect::Later;
propagation_error_behavior: Choice = Choice("ignore"), "propagation-error-behavior", Kind::Enum(&["ignore", "panic", "panic-on-replicas"]), MUTABLE, SHOWN, Effect::Later;
protected_mode: bool = true, "protected-mode", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
proto_max_bulk_len: i64 = 536870912, "proto-max-bulk-len", Kind::Memory { min: 1048576, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
rdb_del_sync_files: bool = false, "rdb-del-sync-files", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
rdb_key_save_delay: i64 = 0, "rdb-key-save-delay", Kind::Int { min: -2147483648, max: 2147483647 }, MUTABLE, HIDDEN, Effect::Now;
rdb_save_incremental_fsync: bool = true, "rdb-save-incremental-fsync", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
rdbchecksum: bool = true, "rdbchecksum", Kind::Bool, FIXED, SHOWN, Effect::Now;
rdbcompression: bool = true, "rdbcompression", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
repl_backlog_size: i64 = 1048576, "repl-backlog-size", Kind::Memory { min: 1, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
repl_backlog_ttl: i64 = 3600, "repl-backlog-ttl", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
repl_disable_tcp_nodelay: bool = false, "repl-disable-tcp-nodelay", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
repl_diskless_load: Choice = Choice("disabled"), "repl-diskless-load", Kind::Enum(&["disabled", "on-empty-db", "swapdb"]), MUTABLE, SHOWN, Effect::Now;
repl_diskless_sync: bool = false, "repl-diskless-sync", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
repl_diskless_sync_delay: i64 = 5, "repl-diskless-sync-delay", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
repl_diskless_sync_max_replicas: i64 = 0, "repl-diskless-sync-max-replicas", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
repl_ping_replica_period: i64 = 10, "repl-ping-replica-period" | "repl-ping-slave-period", Kind::Int { min: 1, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
repl_timeout: i64 = 60, "repl-timeout", Kind::Int { min: 1, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
replica_announce_ip: String = "".into(), "replica-announce-ip" | "slave-announce-ip", Kind::Text, MUTABLE, SHOWN, Effect::Now;
replica_announce_port: i64 = 0, "replica-announce-port" | "slave-announce-port", Kind::Int { min: 0, max: 65535 }, MUTABLE, SHOWN, Effect::Now;
replica_announced: bool = true, "replica-announced", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
replica_ignore_disk_write_errors: bool = false, "replica-ignore-disk-write-errors", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
replica_ignore_maxmemory: bool = true, "replica-ignore-maxmemory" | "slave-ignore-maxmemory", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
replica_lazy_flush: bool = false, "replica-lazy-flush" | "slave-lazy-flush", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
replica_priority: i64 = 100, "replica-priority" | "slave-priority", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
replica_read_only: bool = true, "replica-read-only" | "slave-read-only", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
replica_refuse_empty_primary: bool = true, "replica-refuse-empty-primary", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
replica_serve_stale_data: bool = true, "replica-serve-stale-data" | "slave-serve-stale-data", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
replicaof: ReplicaOf = ReplicaOf::default(), "replicaof" | "slaveof", Kind::Special, FIXED, SHOWN, Effect::Now;
requirepass: String = "".into(), "requirepass", Kind::Text, MUTABLE, SHOWN, Effect::Now;
sanitize_dump_payload: Choice = Choice("no"), "sanitize-dump-payload", Kind::Enum(&["no", "yes", "clients"]), MUTABLE, SHOWN, Effect::Now;
save: Saves = Saves::default(), "save", Kind::Special, MUTABLE, SHOWN, Effect::Now;
server_cpulist: String = "".into(), "server_cpulist", Kind::Text, FIXED, SHOWN, Effect::Later;
set_max_intset_entries: i64 = 512, "set-max-intset-entries", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
set_max_listpack_entries: i64 = 128, "set-max-listpack-entries", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
set_max_listpack_value: i64 = 64, "set-max-listpack-value", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
set_proc_title: bool = true, "set-proc-title", Kind::Bool, FIXED, SHOWN, Effect::Later;
shutdown_on_sigint: ShutdownFlags = ShutdownFlags::default(), "shutdown-on-sigint", Kind::Special, MUTABLE, SHOWN, Effect::Now;
shutdown_on_sigterm: ShutdownFlags = ShutdownFlags::default(), "shutdown-on-sigterm", Kind::Special, MUTABLE, SHOWN, Effect::Now;
shutdown_timeout: i64 = 10, "shutdown-timeout", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
slowlog_log_slower_than: i64 = 10000, "slowlog-log-slower-than", Kind::Int { min: -1, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
slowlog_max_len: i64 = 128, "slowlog-max-len", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
socket_mark_id: i64 = 0, "socket-mark-id", Kind::Int { min: 0, max: 4294967295 }, FIXED, SHOWN, Effect::Later;
stop_writes_on_bgsave_error: bool = true, "stop-writes-on-bgsave-error", Kind::Bool, MUTABLE, SHOWN, Effect::Now;
stream_node_max_bytes: i64 = 4096, "stream-node-max-bytes", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
stream_node_max_entries: i64 = 100, "stream-node-max-entries", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
supervised: Choice = Choice("no"), "supervised", Kind::Enum(&["upstart", "systemd", "auto", "no"]), FIXED, SHOWN, Effect::Now;
syslog_enabled: bool = false, "syslog-enabled", Kind::Bool, FIXED, SHOWN, Effect::Now;
syslog_facility: Choice = Choice("local0"), "syslog-facility", Kind::Enum(&["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]), FIXED, SHOWN, Effect::Now;
syslog_ident: String = "redis".into(), "syslog-ident", Kind::Text, FIXED, SHOWN, Effect::Now;
tcp_backlog: i64 = 511, "tcp-backlog", Kind::Int { min: 0, max: 2147483647 }, FIXED, SHOWN, Effect::Now;
tcp_keepalive: i64 = 300, "tcp-keepalive", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
timeout: i64 = 0, "timeout", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Now;
tls_auth_clients: Choice = Choice("yes"), "tls-auth-clients", Kind::Enum(&["no", "yes", "optional"]), MUTABLE, SHOWN, Effect::Later;
tls_ca_cert_dir: String = "".into(), "tls-ca-cert-dir", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_ca_cert_file: String = "".into(), "tls-ca-cert-file", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_cert_file: String = "".into(), "tls-cert-file", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_ciphers: String = "".into(), "tls-ciphers", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_ciphersuites: String = "".into(), "tls-ciphersuites", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_client_cert_file: String = "".into(), "tls-client-cert-file", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_client_key_file: String = "".into(), "tls-client-key-file", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_client_key_file_pass: String = "".into(), "tls-client-key-file-pass", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_cluster: bool = false, "tls-cluster", Kind::Bool, MUTABLE, SHOWN, Effect::Refused("TLS");
tls_dh_params_file: String = "".into(), "tls-dh-params-file", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_key_file: String = "".into(), "tls-key-file", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_key_file_pass: String = "".into(), "tls-key-file-pass", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_port: i64 = 0, "tls-port", Kind::Int { min: 0, max: 65535 }, MUTABLE, SHOWN, Effect::Refused("TLS");
tls_prefer_server_ciphers: bool = false, "tls-prefer-server-ciphers", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
tls_protocols: String = "".into(), "tls-protocols", Kind::Text, MUTABLE, SHOWN, Effect::Later;
tls_replication: bool = false, "tls-replication", Kind::Bool, MUTABLE, SHOWN, Effect::Refused("TLS");
tls_session_cache_size: i64 = 20480, "tls-session-cache-size", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Later;
tls_session_cache_timeout: i64 = 300, "tls-session-cache-timeout", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, SHOWN, Effect::Later;
tls_session_caching: bool = true, "tls-session-caching", Kind::Bool, MUTABLE, SHOWN, Effect::Later;
tracking_table_max_keys: i64 = 1000000, "tracking-table-max-keys", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Later;
unixsocket: String = "".into(), "unixsocket", Kind::Text, FIXED, SHOWN, Effect::Now;
unixsocketperm: i64 = 0, "unixsocketperm", Kind::Octal { min: 0, max: 0o777 }, FIXED, SHOWN, Effect::Now;
watchdog_period: i64 = 0, "watchdog-period", Kind::Int { min: 0, max: 2147483647 }, MUTABLE, HIDDEN, Effect::Later;
zset_max_listpack_entries: i64 = 128, "zset-max-listpack-entries" | "zset-max-ziplist-entries", Kind::Int { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;
zset_max_listpack_value: i64 = 64, "zset-max-listpack-value" | "zset-max-ziplist-value", Kind::Memory { min: 0, max: i64::MAX }, MUTABLE, SHOWN, Effect::Now;}
