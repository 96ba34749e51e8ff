"""Which unit a query has."""

import pytest

from bot.tools._units import unit_of

UNITS = {
    "process_resident_memory_bytes": "bytes",
    'sum by (service) (process_resident_memory_bytes{job="a"})': "bytes",
    "process_resident_memory_bytes / container_spec_memory_limit_bytes": "ratio",
    "process_resident_memory_bytes / container_spec_memory_limit_bytes > 0.85": "ratio",
    "rate(http_requests_total[5m])": "1/s",
    "sum(rate(http_requests_total[5m])) by (code)": "1/s",
    "topk(5, sum by (code) (rate(http_requests_total[5m])))": "1/s",
    'sum by (service) (rate(a_total{code=~"5.."}[1m])) / sum by (service) (rate(a_total[1m]))': "ratio",
    "histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket[5m])))": "seconds",
    "rate(took_seconds_sum[5m]) / rate(took_seconds_count[5m])": "seconds",
    "rate(process_cpu_seconds_total[5m])": "ratio",
    "increase(http_requests_total[1h])": "count",
    "count(up == 1)": "count",
    "changes(process_start_time_seconds[1h])": "count",
    "probe_ssl_earliest_cert_expiry - time()": "seconds",
    "time() - process_start_time_seconds": "seconds",
    "cache_hit_ratio": "ratio",
    "avg_over_time(cache_hit_ratio[1h])": "ratio",
    "(((process_resident_memory_bytes)))": "bytes",
    "max(a_bytes) - min(b_bytes)": "bytes",
    "a_bytes / 1024": "",
    "100 * a_ratio": "",
    "queue_depth": "",
    "a_seconds + b_bytes": "",
    "rate(sent_bytes_total[5m])": "",
    "some_future(a_bytes)": "",
    "1": "",
    "": "",
}


@pytest.mark.parametrize("query", UNITS)
def test_units(query: str) -> None:
    """Names and form tell the unit; where they do not, none is claimed."""
    assert unit_of(query) == UNITS[query]
