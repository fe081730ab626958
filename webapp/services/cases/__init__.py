"""Cases: opened, gone on with, settled; every step a row of its own."""
