"""Checks of what operators run: dashboards, alerts, runbooks."""
