"""A saving in the middle of a saving, in a forked child, and while the program ends: nothing waits for itself."""

import os
import signal

import pytest

import calando

MADE = """
import faulthandler, os, random, threading, time, warnings
import torch, calando
from calando.schedules import CumulativeProduct, Function
from calando.torch import AdamW
warnings.simplefilter("ignore")  # 3.12 and later warn of forks beside threads
faulthandler.dump_traceback_later(100, exit=True)
net = torch.nn.Linear(200, 200); optimizer = AdamW(net.parameters())
net(torch.ones(1, 200)).sum().backward(); optimizer.step()
def save(name, behind=False):
    return calando.save(f"FOLDER/{name}", model=net, optimizer=optimizer, async_save=behind)
def resumed(*names):
    return [calando.resume(f"FOLDER/{name}", model=net, optimizer=optimizer).step for name in names]
save("run"), save("again"), save("run", True).wait()
"""


def code(tmp_path, more):
    return MADE.replace("FOLDER", str(tmp_path)) + more


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer that signals")
def test_a_handler_saves_in_the_middle_of_a_saving(run, tmp_path):
    """A cluster's notice of preemption comes when it comes."""
    storm = """
import signal
inside, told = [], []
def handler(*_):
    if not inside:
        inside.append(1); save("again", again); told.append(1); inside.clear()
        if time.monotonic() < until: arm()
def arm():
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.001, 0.02))
signal.signal(signal.SIGALRM, handler)
for behind, again in [(True, True), (True, False), (False, True)]:
    until = time.monotonic() + 1.5
    arm()
    while time.monotonic() < until:
        save("run", behind)
print(resumed("run", "again"), len(told) > 2)
"""
    assert run(code(tmp_path, storm)).strip() == "[1, 1] True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_forked_while_threads_save(run, tmp_path):
    """Neither the saving nor a product that another thread lengthens is waited for in the child."""
    storm = """
import signal
grown = CumulativeProduct(1.0, Function(lambda step: (time.sleep(0.0005), 0.999)[1]))
stop = threading.Event()
def saving(behind):
    while not stop.is_set():
        save(f"thread-{behind}", behind)
def growing():
    while not stop.is_set():
        grown(len(grown.found) + 5)
threads = [threading.Thread(target=saving, args=(behind,)) for behind in (True, False)]
threads.append(threading.Thread(target=growing))
for thread in threads: thread.start()
ended = []
for n in range(8):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        grown(len(grown.found) + 1)
        save("child", n % 2 == 0).wait()
        os._exit(0 if resumed("child") == [1] else 1)
    ended.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads: thread.join(60)
print(set(ended), [thread.is_alive() for thread in threads])
"""
    assert run(code(tmp_path, storm)).strip() == "{0} [False, False, False]"


def test_a_program_saves_and_resumes_while_it_ends(run, tmp_path):
    last = """
import atexit
def end():
    save("run", True).wait()
    print(resumed("run"), flush=True)
    optimizer.step()
    save("last", True)
atexit.register(end)
"""
    assert run(code(tmp_path, last)).strip() == "[1]"
    assert calando.resume(tmp_path / "last").step == 2


def test_two_threads_share_work():
    from calando.codecs.behind import shared

    def halved(number):
        if number % 10 == 7:
            raise ValueError(number)
        return number / 2

    assert shared(halved, []) == [] and shared(halved, [3]) == [1.5]
    assert shared(halved, range(7)) == [n / 2 for n in range(7)]
    with pytest.raises(ValueError, match=r"^7$"):
        shared(halved, range(100))
