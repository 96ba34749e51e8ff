"""Twelve range queries as an investigation makes them."""

RANGES = (
    "sum by (service) (rate(http_requests_total[2m]))",
    'sum by (service) (rate(http_requests_total{code=~"5.."}[2m]))',
    "histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[2m])))",
    "histogram_quantile(0.5, sum by (service, le) (rate(http_request_duration_seconds_bucket[2m])))",
    "sum by (service) (rate(process_cpu_seconds_total[2m]))",
    "sum by (service) (process_resident_memory_bytes)",
    "min by (service) (up)",
    "sum by (service) (rate(http_client_request_duration_seconds_count[2m]))",
    "max by (service) (process_start_time_seconds)",
    "sum by (service, version) (app_build_info)",
    "sum by (service) (rate(http_requests_total[5m]))",
    "count by (service) (up)",
)
