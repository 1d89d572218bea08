"""The room towards the school's CRM: facts come in, with word whether the reading was complete. Nothing goes out."""
