"""How many requests a second a service answers, and how long each waits: `python -m benchmarks.serving URL`.

It asks the service what to send: one window, then half an hour of noise with a beat every 0.8 s.
"""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import requests

RECORD_S, BEAT_S = 1800.0, 0.8
N_WINDOWS, N_RECORDS = 500, 10


def main(arguments: Sequence[str]) -> int:
    """Measure one service after the other, and print a line for each load."""
    for url in arguments:
        contract = requests.get(f"{url}/contract", timeout=10).json()
        print(f"{contract['network']} for {contract['task']}")
        measure(url, "one window", window(contract), N_WINDOWS, 1)
        measure(url, "one window, 4 senders", window(contract), N_WINDOWS, 4)
        measure(url, "30 min", recording(contract), N_RECORDS, 1)
    return 0


def window(contract: dict[str, Any]) -> dict[str, Any]:
    """A window of noise, with every feature at its mean."""
    ecg, features = contract["inputs"][:2]
    return {"ecg_mv": noise(*ecg["shape"]), "leads": contract["leads"], "features": features["mean"]}


def recording(contract: dict[str, Any]) -> dict[str, Any]:
    """Half an hour of noise at the rate of the network."""
    fs_hz = contract["fs_hz"]
    beats = np.arange(round(fs_hz), round(RECORD_S * fs_hz), round(BEAT_S * fs_hz)).tolist()
    ecg_mv = noise(len(contract["leads"]), round(RECORD_S * fs_hz))
    return {"ecg_mv": ecg_mv, "leads": contract["leads"], "fs_hz": fs_hz, "peak_sample": beats}


def noise(n_leads: int, n_samples: int) -> list[list[float]]:
    """Three decimals, as recorders have."""
    return np.random.default_rng(0).standard_normal((n_leads, n_samples)).round(3).tolist()


def measure(url: str, what: str, sent: dict[str, Any], n_requests: int, n_senders: int) -> None:
    """Send the same body again and again, over one connection per sender."""
    with requests.Session() as session, ThreadPoolExecutor(n_senders) as senders:
        body = json.dumps(sent).encode()

        def once(_: int) -> float:
            began = time.perf_counter()
            answer = session.post(f"{url}/predict", body, headers={"Content-Type": "application/json"}, timeout=300)
            answer.raise_for_status()
            return time.perf_counter() - began

        once(0)
        began = time.perf_counter()
        took_ms = 1000 * np.array(list(senders.map(once, range(n_requests))))
        rate = n_requests / (time.perf_counter() - began)
    median, p99 = np.percentile(took_ms, [50, 99])
    size = len(body) / 1e6
    print(f"{what:<22} {size:6.3f} MB  {rate:7.1f} requests/s  median {median:7.1f} ms  p99 {p99:7.1f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
