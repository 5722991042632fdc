"""What operators run beside the processes: alerts, dashboards, provisioning."""
