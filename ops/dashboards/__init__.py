"""Makes the dashboards in `ops/grafana/` from the metrics that the code exports."""
