"""Calls a plugin as a runtime does, many times and several at once; one JSON object on stdin says how.

Each caller has containers of its own, since a runtime makes one call after the other for one of them. What is not well is
counted and told, never raised: the last line of stdout is a summary.
"""

import itertools
import json
import os
import random
import resource
import select
import signal
import sys
import threading
import time

ASKED = json.load(sys.stdin)
PLUGIN = ASKED["plugin"]
DIRECTORY = ASKED["dir"]
# A runtime gives up at some time; a call that takes so long is a fault.
PATIENCE_S = 60
MOST_TRIES = 50
USUAL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
STARTED = itertools.count(1)
OTHER_PATH_EVERY = 20


def choose_path():
    """Now and then one that none has had before, where it is to vary: whoever keeps something for each has to forget, too."""
    at = next(STARTED)
    varies = ASKED.get("variesPath") and at % OTHER_PATH_EVERY == 0
    return f"{USUAL_PATH}:/nowhere/{at}" if varies else USUAL_PATH


def environment(verb, container, if_name):
    return {
        "PATH": choose_path(),
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": f"{container}-{if_name}",
        "CNI_NETNS": f"/run/netns/{container}",
        "CNI_IFNAME": if_name,
        "CNI_PATH": ASKED["cniPath"],
    }


def start(verb, container, if_name, conf):
    """The process, and the end of the pipe that is its stdout."""
    out, into = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, conf, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, into, 1)]
    env = environment(verb, container, if_name)
    try:
        return os.posix_spawn(PLUGIN, [PLUGIN], env, file_actions=actions, setsigdef=[signal.SIGPIPE]), out
    except OSError:
        os.close(out)
        raise
    finally:
        os.close(into)


def read_all(out, deadline):
    parts = []
    # Not select: it takes no descriptor from 1024 on.
    waiting = select.poll()
    waiting.register(out, select.POLLIN)
    while waiting.poll(max(0, deadline - time.monotonic()) * 1000):
        part = os.read(out, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def finish(pid, out):
    """How a call ended: None after a success, otherwise what it has said; and what it has printed."""
    text = read_all(out, time.monotonic() + PATIENCE_S)
    os.close(out)
    if text is None:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if text is None:
        return f"no answer within {PATIENCE_S} s", b""
    if status == 0:
        return None, text
    return text.decode(errors="replace") or f"wait status {status}", text


def call(verb, container, if_name, conf):
    try:
        return finish(*start(verb, container, if_name, conf))
    except OSError as error:
        return f"the plugin was not started: {error}", b""


class Tally:
    """What all callers have seen, and which addresses are in use now."""

    def __init__(self):
        self.lock = threading.Lock()
        self.pairs = 0
        self.calls = 0
        self.in_use = {}
        self.twice = []
        self.failures = {"ADD": [], "DEL": []}
        self.given_up = []
        self.slowest_s = 0.0

    def ended(self, verb, took_s, failure):
        with self.lock:
            self.calls += 1
            self.slowest_s = max(self.slowest_s, took_s)
            if failure is not None:
                self.failures[verb].append(failure)

    def taken(self, address, container):
        with self.lock:
            if address in self.in_use:
                self.twice.append(f"{address}: {self.in_use[address]} and {container}")
            self.in_use[address] = container

    def released(self, address):
        """Before the DEL begins: from then on somebody else may have it."""
        with self.lock:
            self.in_use.pop(address, None)

    def gives_up(self, what):
        with self.lock:
            self.given_up.append(what)


TALLY = Tally()
# Nobody attaches any more then; what is attached is detached.
STOPPED = threading.Event()


def timed(verb, container, conf):
    began = time.monotonic()
    failure, text = call(verb, container, "eth0", conf)
    TALLY.ended(verb, time.monotonic() - began, failure)
    return failure, text


def attach(container, conf):
    """The address; after a failed ADD its DEL comes first, as runtimes do."""
    for _ in range(MOST_TRIES):
        failure, text = timed("ADD", container, conf)
        if failure is None:
            address = json.loads(text)["ips"][0]["address"].split("/")[0]
            TALLY.taken(address, container)
            return address
        detach(container, conf)
    TALLY.gives_up(f"ADD of {container}: {failure}")
    return None


def detach(container, conf):
    for _ in range(MOST_TRIES):
        failure, _ = timed("DEL", container, conf)
        if failure is None:
            return
    TALLY.gives_up(f"DEL of {container}: {failure}")


def serve_caller(own, seed):
    """Attaches and detaches at random: about half of the containers are there at any time."""
    choices = random.Random(seed)
    attached = {}
    while TALLY.pairs < ASKED["pairs"] and not TALLY.given_up and not STOPPED.is_set():
        container, conf = choices.choice(own)
        if container not in attached:
            address = attach(container, conf)
            if address is not None:
                attached[container] = address
            continue
        TALLY.released(attached.pop(container))
        detach(container, conf)
        with TALLY.lock:
            TALLY.pairs += 1
    for container, conf in own:
        if container in attached:
            TALLY.released(attached[container])
            detach(container, conf)


def write_conf(name, ports):
    path = f"{DIRECTORY}/{name}.json"
    with open(path, "w", encoding="utf8") as file:
        json.dump({**ASKED["conf"], **({"runtimeConfig": {"portMappings": ports}} if ports else {})}, file)
    return path


def soak():
    def port_of(at):
        return [{"hostPort": 20000 + at, "containerPort": 80, "protocol": "tcp"}]

    containers = [(each, write_conf(each, port_of(at))) for at, each in enumerate(ASKED["containers"])]
    callers = [
        threading.Thread(target=serve_caller, args=(containers[at :: ASKED["callers"]], ASKED["seed"] + at))
        for at in range(ASKED["callers"])
    ]
    for each in callers:
        each.start()
    while any(each.is_alive() for each in callers):
        time.sleep(0.2)
        if time.monotonic() - BEGAN_AT > ASKED["seconds"]:
            STOPPED.set()
        print(json.dumps({"pairs": TALLY.pairs, "seconds": round(time.monotonic() - BEGAN_AT, 1)}), flush=True)
    return {
        "pairs": TALLY.pairs,
        "calls": TALLY.calls,
        "twice": TALLY.twice,
        "failedAdds": TALLY.failures["ADD"],
        "failedDels": TALLY.failures["DEL"],
        "givenUp": TALLY.given_up,
        "slowestMs": round(TALLY.slowest_s * 1000),
    }


def flood():
    """All at once: each is an interface of its own in one container."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    container, conf = ASKED["containers"][0], write_conf("flood", [])
    names = [f"eth{at}" for at in range(ASKED["pairs"])]
    started = [start("ADD", container, name, conf) for name in names]
    ended = [finish(*each)[0] for each in started]
    added = [name for name, failure in zip(names, ended) if failure is None]
    refused = [failure for failure in ended if failure is not None]
    left = [failure for name in added if (failure := call("DEL", container, name, conf)[0]) is not None]
    return {"added": len(added), "refused": refused, "failedDels": left}


BEGAN_AT = time.monotonic()
signal.signal(signal.SIGTERM, lambda *_: STOPPED.set())
print(json.dumps({"summary": flood() if ASKED["all"] == "at once" else soak()}), flush=True)
