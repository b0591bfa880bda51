"""The inner loops of block descent, compiled."""
