#!/bin/sh
# One point a meter and gas day, kept for ever (0): readings themselves are kept as long as the compose file says.
set -eu
influx bucket create --org "$DOCKER_INFLUXDB_INIT_ORG" --name mercaptan-days --retention 0
