#!/bin/sh
# The namespace with its retention, and Headgate's search attributes, by temporalio/admin-tools. TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, RETENTION.
# May run again at any time.
set -eu

tries=0
until temporal operator cluster health >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo "Temporal at $TEMPORAL_ADDRESS is not healthy after two minutes: look at its log." >&2; exit 1; }
  sleep 2
done

if temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi

# A namespace that was just made is known to the whole server some seconds later.
for name in EventName AudienceKey PersonId Destination SyncState Source; do
  tries=0
  until temporal operator search-attribute list -n "$TEMPORAL_NAMESPACE" | grep -qw "$name" ||
    temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || exit 1
    sleep 2
  done
done
