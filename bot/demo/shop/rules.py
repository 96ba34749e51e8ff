"""The shop's alert rules: for every service, for what lies below, and for the edge alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One alert rule; `lasting` is its `for` in seconds, the summary a template."""

    alert: str
    expr: str
    lasting: float
    severity: str
    summary: str

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations, not expanded."""
        return {"summary": self.summary, "runbook_url": f"https://runbooks.shop.example/{self.alert}"}


def error_rate(selector: str, threshold: float) -> str:
    """The share of 5xx answers by service."""
    inner = f",{selector}" if selector else ""
    return (
        f'sum by (service) (rate(http_requests_total{{code=~"5.."{inner}}}[2m])) '
        f"/ sum by (service) (rate(http_requests_total{{{selector}}}[2m])) > {threshold}"
    )


def latency(selector: str, seconds: float) -> str:
    """The 95th percentile of latency by service."""
    inner = f"{{{selector}}}" if selector else ""
    return (
        "histogram_quantile(0.95, sum by (service, le) "
        f"(rate(http_request_duration_seconds_bucket{inner}[2m]))) > {seconds}"
    )


EDGE = 'service="edge"'
ERRORS = "{{ $value | humanizePercentage }} of {{ $labels.service }}'s answers are 5xx"
SLOW = "{{ $labels.service }}'s p95 latency is {{ $value | humanizeDuration }}"
EDGE_RULES = (
    Rule("EdgeErrorRate", error_rate(EDGE, 0.02), 60, "critical", ERRORS),
    Rule("EdgeLatency", latency(EDGE, 0.4), 60, "critical", SLOW),
)
SERVICE_RULES = (
    Rule("HighErrorRate", error_rate("", 0.05), 60, "critical", ERRORS),
    Rule("HighLatency", latency("", 0.8), 60, "warning", SLOW),
    Rule("TrafficSpike", 'sum by (service) (rate(http_requests_total{service="edge"}[2m])) > 300', 60, "warning",
         "{{ $labels.service }} gets {{ $value | humanize }} requests/s"),
    Rule("CacheHitRatioLow", "avg by (service) (cache_hit_ratio) < 0.8", 0, "warning",
         "{{ $labels.service }}'s cache answers only {{ $value | humanizePercentage }} of its reads"),
    Rule("QueueBacklog", "queue_depth > 300", 120, "warning",
         "{{ $value | humanize }} messages wait in {{ $labels.queue }}"),
    Rule("PoolWaiters", "db_pool_pending > 3", 60, "warning",
         "{{ $value | humanize }} requests of {{ $labels.instance }} wait for a connection to {{ $labels.pool }}"),
)  # fmt: skip
PLATFORM_RULES = (
    Rule("InstanceDown", 'up{job="shop"} == 0', 15, "critical", "{{ $labels.instance }} cannot be scraped"),
    Rule("InstanceRestarted", 'changes(process_start_time_seconds{job="shop"}[10m]) > 0', 0, "info",
         "{{ $labels.instance }} restarted"),
    Rule("InstanceRestartsOften", 'changes(process_start_time_seconds{job="shop"}[20m]) > 1', 0, "warning",
         "{{ $labels.instance }} restarted {{ $value | humanize }} times in 20 minutes"),
    Rule("MemoryNearLimit", "process_resident_memory_bytes / container_spec_memory_limit_bytes > 0.8", 30, "warning",
         "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory limit"),
    Rule("HighCpu", "rate(process_cpu_seconds_total[2m]) / container_spec_cpu_cores > 0.9", 120, "warning",
         "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its CPU limit"),
    Rule("CpuThrottled",
         "rate(container_cpu_cfs_throttled_periods_total[5m]) / rate(container_cpu_cfs_periods_total[5m]) > 0.3",
         180, "info", "{{ $labels.instance }} is throttled in {{ $value | humanizePercentage }} of its periods"),
    Rule("DatabaseConnectionsNearLimit",
         "sum by (service) (pg_stat_activity_count) / sum by (service) (pg_settings_max_connections) > 0.9",
         120, "critical", "{{ $labels.service }} uses {{ $value | humanizePercentage }} of its connections"),
    Rule("DiskAlmostFull", "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1", 0, "critical",
         "{{ $labels.instance }}:{{ $labels.mountpoint }} has {{ $value | humanizePercentage }} left"),
    Rule("DiskWillFillSoon", "predict_linear(node_filesystem_avail_bytes[5m], 3600) < 0", 120, "warning",
         "{{ $labels.instance }}:{{ $labels.mountpoint }} will be full within an hour"),
    Rule("CertificateExpiresSoon", "min by (service, target) (probe_ssl_earliest_cert_expiry) - time() < 604800", 0,
         "warning", "the certificate of {{ $labels.target }} ends in {{ $value | humanizeDuration }}"),
    Rule("Watchdog", "vector(1)", 0, "none", "always firing: shows that alerting works"),
)  # fmt: skip
GROUPS = {"edge": EDGE_RULES, "services": SERVICE_RULES, "platform": PLATFORM_RULES}
"""Rule groups by name."""
