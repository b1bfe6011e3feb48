"""Simulates sales-and-marketing funnels and the agreements between the two teams."""
