"""Forecasting: one or many series, beside their baselines."""
