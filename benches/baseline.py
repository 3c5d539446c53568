#!/usr/bin/env python3
"""The script that huntd is measured against: the same job, by someone who knows Python well.

baseline.py DATABASE URL [KEY COLUMN...]

It fetches one result, tells the rows that it has not seen, and keeps them. A row is known by all that it holds, or by
its key columns where they are named; then one that comes with another value is a changed one. What is known is held in
a set (a dict with a key), rows are hashed with BLAKE2b over orjson's sorted text, and all that is new goes in with one
executemany in one transaction, in WAL mode with synchronous = FULL, as huntd's does.
"""
import gc
import os
import sqlite3
import sys
from hashlib import blake2b

import orjson
import requests

# Nothing here makes cycles, and looking for them among a million small objects takes a quarter of the time.
if os.environ.get("GC") != "on":
    gc.disable()

database, url, key = sys.argv[1], sys.argv[2], sys.argv[3:]

session = requests.Session()
form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": ".default"}
token = session.post(f"{url}/t/oauth2/v2.0/token", data=form).json()["access_token"]
response = session.post(
    f"{url}/v1.0/security/runHuntingQuery",
    json={"Query": "DeviceProcessEvents"},
    headers={"Authorization": f"Bearer {token}"},
)
response.raise_for_status()
answer = orjson.loads(response.content)
rows = answer["results"] if "results" in answer else answer["Results"]

store = sqlite3.connect(database)
store.execute("PRAGMA journal_mode = WAL")
store.execute("PRAGMA synchronous = FULL")


def digest(data):
    return blake2b(data, digest_size=16).digest()


dumps, SORTED = orjson.dumps, orjson.OPT_SORT_KEYS
new = changed = 0
if key:
    store.execute("CREATE TABLE IF NOT EXISTS hit (key BLOB PRIMARY KEY, value BLOB NOT NULL, row TEXT NOT NULL)")
    known = dict(store.execute("SELECT key, value FROM hit"))
    fresh = []
    for row in rows:
        text = dumps(row, option=SORTED)
        name, value = digest(dumps([row.get(column) for column in key])), digest(text)
        before = known.get(name)
        if before != value:
            new, changed = new + (before is None), changed + (before is not None)
            known[name] = value
            fresh.append((name, value, text))
    with store:
        store.executemany("INSERT OR REPLACE INTO hit VALUES (?, ?, ?)", fresh)
else:
    store.execute("CREATE TABLE IF NOT EXISTS hit (key BLOB PRIMARY KEY, row TEXT NOT NULL)")
    known = {name for (name,) in store.execute("SELECT key FROM hit")}
    fresh = []
    for row in rows:
        text = dumps(row, option=SORTED)
        name = digest(text)
        if name not in known:
            known.add(name)
            fresh.append((name, text))
    new = len(fresh)
    with store:
        store.executemany("INSERT INTO hit VALUES (?, ?)", fresh)
store.close()
print(f"ok, {len(rows)} rows, {new} new, {changed} changed")
