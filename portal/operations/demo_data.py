"""What a start loads for the demo."""

from portal.operations.demo.loading import load_brands, load_messages, load_rules

__all__ = ["load_brands", "load_messages", "load_rules"]
