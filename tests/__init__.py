"""The tests, one folder a floor: unit, integration, web, e2e, structure."""
