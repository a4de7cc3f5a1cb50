"""Work on corpora that are too large for one machine, on Apache Spark (extra `spark`)."""
