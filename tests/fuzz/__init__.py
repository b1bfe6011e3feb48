"""The campaign against everything that reads what people wrote: `make fuzz`.

`inputs` makes hostile files from good ones, `worker` runs commands on them and watches, `faults` kills commands and
damages what they leave, `campaign` does chunks of all of it, resumes, and counts by outcome.
"""
