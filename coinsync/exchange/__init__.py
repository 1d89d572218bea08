"""The school's CRM and VK: facts come in, and whether they are all; nothing is written there."""
