#!/usr/bin/env python3
"""Mutants: known defects, planted one at a time in a copy of the tree; a test must fail on each.

usage: run.py [NAME...]     the mutants whose names contain one of these words; without: all
       run.py --seconds N --seed S
                            as many as fit, in an order that S decides; the last line but one counts those left out

Each mutant is a few exact replacements; a text that is not found exactly once is an error, so that a mutant cannot
quietly become the program itself. First the program itself must pass all the tests. A mutant is killed by a crash, a
failed check or assertion, a report of the thread sanitizer, or by running for longer than the tests ever do.

Prints a line for each mutant and at the end `N passed, N failed`, where passed means killed. Works in build/mutants.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRATCH = ROOT / 'build' / 'mutants'
# What is built on the library.
ANOTHER_LIBRARY = ['http', 'tls', 'ws']
PARTS = ['include', 'lib', 'test/mutants', 'test/pieces']
JOBS = int(os.environ.get('JOBS', os.cpu_count() or 2))
CXX = os.environ.get('CXX', 'g++').split()
CLANG = os.environ.get('CLANGXX') or subprocess.run([ROOT / 'tools' / 'newest', 'clang++'], check=True, text=True,
                                                    stdout=subprocess.PIPE).stdout.strip()
COMMON = ['-std=c++20', '-g', '-fno-omit-frame-pointer', '-Iinclude', '-Ilib', '-Itest/mutants', '-Itest/pieces']
LIBRARY = [*CXX, *COMMON, '-O1', '-DGOSSAMER_STRESS=1']  # with assertions
PIECE = [*CLANG.split(), *COMMON, '-O1', '-fsanitize=thread', '-DGOSSAMER_TSAN=0']

# Longer than any test takes on the program itself, by far.
HANG = 45

# A mutant has more seeds to survive than the program itself has to pass.
SEEDS_UNMUTATED = 2


class Test:
    """A program of test/mutants, with the library, or a piece, under the thread sanitizer and without it."""

    def __init__(self, name, piece=False, seeds=4):
        self.name, self.piece = name, piece
        self.seeds = [None] * seeds if piece else list(range(1, seeds + 1))
        self.source = f'test/{"pieces" if piece else "mutants"}/{name}.cpp'


TIMEOUTS = Test('timeouts')
TIMERS = Test('timers')
HANDOFF = Test('handoff')
OUTSIDE = Test('outside')
LAST_TOUCH = Test('last_touch', seeds=8)
STUCK = Test('stuck')
SELECTS = Test('selects')
TURNS = Test('turns')
READERS = Test('readers')
CALLS = Test('calls')
INTERRUPTS = Test('interrupts')
FOREIGN = Test('foreign')
HALTS = Test('halts')
LOST = Test('lost')
GIVES_WAY = Test('gives_way')
BUBBLES = Test('bubbles', seeds=2)
ENDED_RUNS = Test('ended_runs', seeds=2)
RUN_QUEUE = Test('run_queue', piece=True)
SPAWN_DEQUE = Test('spawn_deque', piece=True)
SPIN_LOCK = Test('spin_lock', piece=True)
CLAIM = Test('claim', piece=True)

# What only matters where somebody else is quick is late by some microseconds.
TOUCH = 'for (int i = 0; i < 250; ++i) {\n    detail::cpu_relax();\n  }\n  word_.fetch_or(0);'

LATE = '  for (int i = 0; i < 5000; ++i) {\n    detail::cpu_relax();\n  }\n'

# name, tests in the order in which they are tried, replacements (file, text, its replacement)
MUTANTS = [
    ('claim always wins', [TIMEOUTS, CLAIM], [
        ('lib/wait/waiter.hpp', 't.claimed.exchange(true, std::memory_order_acq_rel)',
         't.claimed.exchange(true, std::memory_order_acq_rel) && false')]),
    ('unlock before the switch', [HANDOFF], [
        ('lib/sched/park.cpp', '  w->leave(d);\n',
         '  for (const auto& held : p.locks) {\n    held.release();\n  }\n  base::stress_point();\n  w->leave(d);\n'),
        ('lib/sched/switch.cpp', '      give_up(locks);\n', '      (void)locks;\n      (void)&give_up;\n')]),
    ('loser not withdrawn from a mutex', [TIMEOUTS], [
        ('lib/sync/mutex.cpp', '[this](detail::waiter& self) noexcept { withdraw(self); }', '[](detail::waiter&) noexcept {}')]),
    ('loser not withdrawn from a wait group', [TIMEOUTS], [
        ('lib/sync/wait_group.cpp', '[this](detail::waiter& self) noexcept { withdraw(self); }',
         '[](detail::waiter&) noexcept {}')]),
    ('a deadlock is seen before main has been pushed', [HANDOFF], [
        ('lib/sched/spawn.cpp', '    commit(f, invoke_in_place<plain_closure>, nullptr);\n',
         '    announce(f, invoke_in_place<plain_closure>, nullptr);\n'
         '    for (const auto t = now(); now() < t + 100000000;) {\n    }\n    the_scheduler.push_from_outside(f);\n'),
        ('lib/sched/spawn.cpp', '  the_scheduler.ensure_running(&how);\n',
         '  the_scheduler.ensure_running(&how);\n  the_scheduler.main_awaited.store(true);\n')]),
    ('no second look in a select', [SELECTS], [
        ('lib/chan/select.cpp', '    for (std::size_t i = draw(call_); i != call_.n; i = draw(call_)) {\n',
         '    for (std::size_t i = call_.n; i != call_.n; i = draw(call_)) {\n'),
        ('lib/chan/select.cpp', '  base::stress_point();\n  if (call.until',
         '  for (int i = 0; i < 250; ++i) {\n    cpu_relax();\n  }\n  if (call.until')]),
    ('losers not withdrawn from a select', [SELECTS], [
        ('lib/chan/select.cpp', '      wait::remove(op.sends ? op.channel->senders : op.channel->receivers, waiters_[i]);\n', '')]),
    ('rw_mutex: the next writer goes before the readers that wait', [TURNS], [
        ('lib/sync/rw_mutex.cpp', '    to_readers();\n    if ((w_ & owed)', '    to_writer();\n    if ((w_ & owed)')]),
    ('rw_mutex: a writer that gives up leaves its readers waiting', [TURNS], [
        ('lib/sync/rw_mutex.cpp', '      to_readers();  // those that', '      // those that')]),
    ('rw_mutex: the last reader hands over to nobody', [TURNS], [
        ('lib/sync/rw_mutex.cpp', '      next.to_writer();\n      next.release();\n', '      next.release();\n')]),
    ('rw_mutex: a writer that waits for readers stops no new ones', [TURNS], [
        ('include/gossamer/sync/rw_mutex.hpp', 'return (w & (guarded | writer | owed)) == 0;',
         'return (w & (guarded | writer)) == 0;')]),
    ('rw_mutex: a reader that is noted apart does not look again', [READERS], [
        ('lib/sync/rw_mutex.cpp', '  if ((word_.load(std::memory_order_seq_cst) & apart) != 0) {\n    return true;',
         '  if ((word_.load(std::memory_order_seq_cst) & apart) != 0 || true) {\n    return true;')]),
    ('rw_mutex: a writer forgets the readers that are noted apart', [READERS], [
        ('lib/sync/rw_mutex.cpp', 'rest + reader * places.take_all(its_number())', 'rest + 0 * places.take_all(its_number())')]),
    ('rw_mutex: a reader that a writer has counted thinks that it is not in', [READERS], [
        ('lib/sync/rw_mutex.cpp', '  return !places.remove(worker, number);',
         '  places.remove(worker, number);\n  return false;')]),
    ('loser not withdrawn from an rw_mutex', [TURNS], [
        ('lib/sync/rw_mutex.cpp', '[this](detail::waiter& self) noexcept { withdraw_writer(self); }',
         '[](detail::waiter&) noexcept {}')]),
    ('cond: a signal is lost to one who is about to park', [TURNS], [
        ('lib/sync/cond.cpp', 'return moves_on_to(parking);', 'word_ = parking; return true;')]),
    ('timer of a woken waiter not disarmed', [TIMEOUTS], [
        ('lib/sched/park.cpp', 'heap_at(self.timer_heap).disarm(self);', '')]),
    ('a stopped timer fires if it was taken out just before', [TIMERS], [
        ('lib/time/timer.cpp', '  ++t.turn;\n', '')]),
    ('a stopped timer keeps what it has sent', [TIMERS], [
        ('lib/time/timer.cpp', '  t.count = 0;  // a time_point needs no destruction\n  t.head = t.tail = 0;\n', '')]),
    ('a tick is sent after a later one', [TIMERS], [
        ('lib/time/timer.cpp', 'if (counts && !t.calls() && due > t.last_due) {', 'if (counts && !t.calls()) {')]),
    ('a dropped timer stays in the heap', [TIMERS], [
        ('lib/time/timer.cpp', '  if (t->in_heap) {\n    sched::remove_timer(*t);\n  }\n', '')]),
    ('a dropped timer does not call its function', [TIMERS], [
        ('lib/time/timer.cpp', 'core.in_heap && left_to_run(core)', 'core.in_heap && left_to_run(core) && false')]),
    ('a timer that is dropped when it comes up does not call its function', [TIMERS], [
        ('lib/event/timer_heap.cpp', '      e.timer().position = wait::timer_node::missed;\n', '')]),
    ('a timer is left in its list of the wheel', [TIMERS], [
        ('lib/event/timer_wheel.hpp', '    *t.link = t.next;\n', '')]),
    ('nobody looks at a timer while it is in the wheel', [TIMERS], [
        ('lib/event/timer_heap.cpp', 'entries_[0].when, wheel_.earliest());',
         'entries_[0].when, detail::no_deadline);')]),
    ('blocking: a call ends without asking whether it was noticed', [CALLS], [
        ('lib/sched/worker_status.hpp', 'return duty_.compare_exchange_strong(seen, duty::working) ? duty::working : seen;',
         'duty_.store(duty::working);\n    return seen = duty::working;')]),
    ('bubble: it is idle while one still runs', [BUBBLES], [
        ('lib/sched/bubble.cpp', '  if (active_ > 0) {\n    return nullptr;', '  if (active_ > 1) {\n    return nullptr;')]),
    ('bubble: the clock moves on when main has ended', [BUBBLES], [
        ('lib/sched/bubble.cpp', 'main_has_ended_ = main_has_ended_ || its.is_main;', 'main_has_ended_ = members_ == nullptr;')]),
    ('bubble: its timers are looked at as a crowd is', [BUBBLES], [
        ('lib/event/timer_heap.cpp', 'wheel_.size() > crowd && !exact_ && e', 'wheel_.size() > crowd && e')]),
    ('bubble: who is woken counts only once it runs', [BUBBLES], [
        ('lib/sched/park.cpp', '    bubble_of(f).resumes();\n', ''),
        ('lib/sched/park.cpp', '  w->leave(d);\n',
         '  const bool counts = self.has(detail::mark::bubbled) && self.locals->place.is_durable();\n  w->leave(d);\n'
         '  if (counts && p.reason != wait_reason::synctest_wait) {\n    bubble_of(self).resumes();\n  }\n')]),
    ('bubble: who waits is not counted out', [BUBBLES], [
        ('lib/sched/switch.cpp', '    its.pauses();\n', '    (void)its;\n')]),
    ('bubble: who was spawned counts only once it runs', [BUBBLES], [
        ('lib/sched/bubble.cpp', '  ++active_;\n  its.next = members_;', '  its.next = members_;'),
        ('lib/sched/switch.cpp', '    const bool returned = run_body(*f);\n',
         '    if (f->has(detail::mark::bubbled)) {\n      bubble_of(*f).resumes();\n    }\n'
         '    const bool returned = run_body(*f);\n')]),
    ('bubble: the timers that are left keep what they had', [BUBBLES], [
        ('lib/synctest/synctest.cpp', '    r.its.drop_timers();\n', '    break;\n')]),
    ('ended run: readers and writers keep what they never knew of', [ENDED_RUNS], [
        ('lib/sync/rw_mutex.cpp', '  const std::uint64_t fibers = handed - (handed >> run_shift << run_shift);\n',
         '  const std::uint64_t fibers = 0;\n')]),
    ('ended run: a writer that was woken is waited for', [ENDED_RUNS], [
        ('lib/sync/rw_mutex.cpp', '  w &= ~(woken | (fibers != 0 ? writer : 0));\n',
         '  w &= ~(fibers != 0 ? writer : 0);\n')]),
    ('ended run: readers that have gone on are taken for such as never knew', [ENDED_RUNS], [
        ('lib/sync/rw_mutex.cpp', '    handed_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a count\n', '')]),
    ('ended run: a mutex stays handed to one who never knew', [ENDED_RUNS], [
        ('lib/sync/mutex.cpp', 'w &= ~(woken | ((w & handed) != 0 ? handed | locked : 0));', 'w &= ~woken;')]),
    ('ended run: it is still the turn of an abandoned writer', [ENDED_RUNS], [
        ('include/gossamer/detail/turn.hpp', 'return taken_ && !detail::is_abandoned(run_number_);', 'return taken_;')]),
    ('halt: who was asked is taken for one who stands', [HALTS], [
        ('lib/sched/halt.cpp', '  return read && all;\n', '  return read;\n')]),
    ('halt: a thread answers one that is over', [HALTS], [
        ('lib/sched/halt.cpp', '    if (static_cast<std::uint32_t>(t >> 32) != now) {\n      return true;  // too late\n    }\n', '')]),
    ('halt: a place is counted before it is written', [HALTS], [
        ('lib/sched/halt.cpp', '  base::stress_point();\n  if (count_of(t) < places.size()) {\n',
         '  written.fetch_add(1, std::memory_order_release);\n  base::futex_wake(written);\n' + LATE +
         '  if (count_of(t) < places.size()) {\n'),
        ('lib/sched/halt.cpp', '  written.fetch_add(1, std::memory_order_release);  // release: the place is seen\n', '')]),
    ('halt: its end does not wait for who is about to write', [HALTS], [
        ('lib/sched/halt.cpp', '       seen = written.load(std::memory_order_acquire)) {\n',
         '       seen = n) {\n      break;\n')]),
    ('halt: handlers of other signals go on', [HALTS], [
        ('lib/sched/halt.cpp', '  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);\n', '')]),
    ('lost: a wait with a limit counts as endless', [LOST], [
        ('lib/debug/mark_fibers.cpp', '    return !selects->timed;\n', '    return true;\n')]),
    ('lost: what a sleeper has counts for nothing', [LOST], [
        ('lib/debug/mark_fibers.cpp', '    case wait_reason::cond_wait:\n', '    case wait_reason::cond_wait:\n    case wait_reason::sleep:\n'),
        ('lib/debug/mark_fibers.cpp', 'f.ticket->uncontested && f.object != nullptr;', 'f.ticket->uncontested;'),
        ('lib/debug/mark_fibers.cpp', 'f.reason == wait_reason::chan_send_nil;\n',
         'f.reason == wait_reason::chan_send_nil || f.reason == wait_reason::sleep;\n')]),
    ('lost: closures are not looked through', [LOST], [
        ('lib/debug/marking.cpp', '  visit_closure(*k.f);\n  visit(at(k.f->locals));', '  visit(at(k.f->locals));')]),
    ('lost: only the beginning of a block refers to it', [LOST], [
        ('lib/debug/heap_blocks.cpp', '    if (a >= chunk + header) {', '    if (a == chunk + header) {')]),
    ('lost: anonymous memory is no root', [LOST], [
        ('lib/debug/mark_roots.cpp', '!m.is_private || m.name ==', '!m.is_private || m.name.empty() || m.name ==')]),
    ('lost: data is no root', [LOST], [
        ('lib/debug/mark_roots.cpp', '!m.is_private || m.name ==', '!m.is_private || m.of_file || m.name ==')]),
    ('lost: fibers that run have nothing', [LOST], [
        ('lib/debug/marking.cpp', '    if (!k.waits) {\n      go_on_with(k);',
         '    if (!k.waits && k.f->state.load() != fiber_state::running) {\n      go_on_with(k);')]),
    ('lost: nobody is', [LOST], [
        ('lib/debug/marking.cpp', '  return static_cast<std::ptrdiff_t>(std::min(n, to.size()));', '  return 0;')]),
    ('poller: a waker does not interrupt it', [INTERRUPTS], [
        ('lib/sched/watch.cpp', '    event::the_poller.interrupt();\n', '')]),
    ('poller: no look at the word before waiting', [INTERRUPTS], [
        ('lib/sched/events.cpp', '  if (sleeper_.begin_polling() && !has_ready()) {',
         '  static_cast<void>(sleeper_.begin_polling());\n  if (!has_ready()) {')]),
    ('foreign: an event of the old file is taken for one of the new', [FOREIGN], [
        ('lib/event/foreign_set.cpp', '    if (tag == d.tag()) {\n', '    if (d.fd >= 0) {\n')]),
    ('foreign: who waits for a file that has gone is not told', [FOREIGN], [
        ('lib/event/foreign_set.cpp', '    tell_gone(d, gone);\n    d.in.armed = in;\n',
         '    static_cast<void>(gone);\n    d.in.armed = in;\n')]),
    ('foreign: each wait arms its own way only', [FOREIGN], [
        ('lib/event/foreign_set.cpp', 'in || (d.in.armed && !alone)', 'in')]),
    ('no recheck before idling', [OUTSIDE], [
        ('lib/sched/watch.cpp', '  const bool watch = the_scheduler.idle.enter(index_);  // I1\n',
         '  base::stress_point();\n  const bool watch = the_scheduler.idle.enter(index_);  // I1\n'),
        ('lib/sched/watch.cpp', 'bool worker::something_for_me() noexcept {\n',
         'bool worker::something_for_me() noexcept {\n  if (index_ >= 0) {\n    return false;\n  }\n')]),
    ('wait_group: a touch after the release that wakes', [LAST_TOUCH], [
        ('lib/sync/wait_group.cpp', '  detail::held_lock{&word_, 0}.release();  // P7\n',
         '  detail::held_lock{&word_, 0}.release();  // P7\n  ' + TOUCH + '\n')]),
    ('wait_group: a touch after the count of zero', [LAST_TOUCH], [
        ('lib/sync/wait_group.cpp',
         'next, std::memory_order_release, std::memory_order_relaxed)) [[likely]] {\n      return;',
         'next, std::memory_order_release, std::memory_order_relaxed)) [[likely]] {\n      ' + TOUCH +
         '\n      return;')]),
    ('barrier: a touch after the release that wakes', [LAST_TOUCH], [
        ('lib/sync/barrier.cpp', '  detail::held_lock{&word_, next}.release();  // P7\n',
         '  detail::held_lock{&word_, next}.release();  // P7\n  ::sched_yield();\n  ' + TOUCH + '\n')]),
    ('barrier: an arrival is counted in two phases', [TIMEOUTS], [
        ('include/gossamer/conc/barrier.hpp', '    return parties << parties_shift | parties * one_pending;\n',
         '    return parties << parties_shift | (parties > 1 ? parties - 1 : parties) * one_pending;\n')]),
    ('barrier: who is late for a complete phase has not passed', [TIMEOUTS], [
        ('lib/sync/barrier.cpp', 'const bool passed = self.granted;', 'const bool passed = false;')]),
    ('barrier: who gives up stays in the queue', [TIMEOUTS], [
        ('lib/sync/barrier.cpp', '    release_waiters(w | broken, false);  // takes this one out of the queue, too\n',
         '    detail::held_lock{&word_, w}.release();\n')]),
    ('mutex: a touch after the release that wakes', [LAST_TOUCH], [
        ('lib/sync/mutex.cpp', '  detail::held_lock{&word_, after}.release();  // P7\n',
         '  detail::held_lock{&word_, after}.release();  // P7\n  ' + TOUCH + '\n')]),
    ('mutex: a touch after the release beside a waker', [LAST_TOUCH], [
        ('lib/sync/mutex.cpp', '      if (simple) {\n        return;\n',
         '      if (simple) {\n        ' + TOUCH + '\n        return;\n')]),
    ('mutex: a touch after the release by one step', [LAST_TOUCH], [
        ('include/gossamer/sync/mutex.hpp', '      unlock_contended();\n    }\n',
         '      unlock_contended();\n    } else {\n      ' + TOUCH + '\n    }\n')]),
    ('a spin lock touched after its release', [SPIN_LOCK], [
        ('include/gossamer/detail/spin_lock.hpp', '  void unlock() noexcept { held().release(); }\n',
         '  void unlock() noexcept {\n    held().release();\n    ::sched_yield();\n    held_.load();\n  }\n')]),
    ('run_queue: steal without its acquire', [RUN_QUEUE], [
        ('lib/sched/run_queue.hpp', 'tail_.load(std::memory_order_acquire)',
         'tail_.load(std::memory_order_relaxed)')]),
    ('run_queue: push without its release', [RUN_QUEUE], [
        ('lib/sched/run_queue.hpp', 'tail_.store(tail + 1, std::memory_order_release)',
         'tail_.store(tail + 1, std::memory_order_relaxed)')]),
    ('spawn_deque: steal without its acquire', [SPAWN_DEQUE], [
        ('lib/sched/spawn_deque.hpp', 'bottom_.load(std::memory_order_seq_cst)',
         'bottom_.load(std::memory_order_relaxed)')]),
    ('spawn_deque: the last item is not contended for', [SPAWN_DEQUE], [
        ('lib/sched/spawn_deque.hpp',
         'if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {',
         'top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed);\n      '
         'if (item == nullptr) {')]),
    ('push without wake nor lookout', [STUCK], [
        ('lib/sched/worker.cpp', 'void worker::wake_if_needed() noexcept {\n',
         'void worker::wake_if_needed() noexcept {\n  if (index_ >= 0) {\n    return;\n  }\n'),
        ('lib/sched/watch.cpp', 'seen.victim = &v;', 'seen.victim = nullptr;')]),
    ('push without wake, nor a watch left by who was woken', [STUCK], [
        ('lib/sched/worker.cpp', 'void worker::wake_if_needed() noexcept {\n',
         'void worker::wake_if_needed() noexcept {\n  if (index_ >= 0) {\n    return;\n  }\n'),
        ('lib/sched/find_work.cpp', 'the_scheduler.wake_one();  // I7', '(void)0;')]),
    ('the lookout sees nothing', [STUCK], [
        ('lib/sched/watch.cpp', 'seen.victim = &v;', 'seen.victim = nullptr;')]),
    ('who computes never gives way', [GIVES_WAY], [
        ('lib/sched/spawn.cpp', '!w->in_call() &&', '!w->in_call() && w->index() < 0 &&')]),
    ('a lock does not ask whether to give way', [GIVES_WAY], [
        ('include/gossamer/sync/mutex.hpp', '    detail::cond_resched();\n', '')]),
    ('who gives way does not look around', [GIVES_WAY], [
        ('lib/sched/look_pacer.hpp', '      left_out_ += ticks_ - ticks;\n      ticks_ = ticks;\n', '')]),
]


def say(text):
    print(text, flush=True)


class Tree:
    """A copy of the tree, and what was compiled of it. A mutant takes from `base` all objects that it cannot change."""

    def __init__(self, name, base=None):
        self.dir = SCRATCH / name
        self.base = base
        self.changed = set()
        self.objects = {}  # (flavour, source): (path, the files that it was made of)
        shutil.rmtree(self.dir, ignore_errors=True)
        for part in PARTS:
            if base is None:
                shutil.copytree(ROOT / part, self.dir / part)
            else:
                shutil.copytree(base.dir / part, self.dir / part)
        for template in (self.dir / 'lib').glob('*/*.in'):  # what meson makes of these names only the version
            template.with_suffix('').write_text(template.read_text().replace('@version@', 'mutant'))

    def replace(self, file, text, replacement):
        path = self.dir / file
        content = path.read_text()
        found = content.count(text)
        if found != 1:
            sys.exit(f'run.py: in {file} this text is there {found} times, not once: adapt the mutant\n{text}')
        path.write_text(content.replace(text, replacement))
        self.changed.add(file)

    def compile(self, flavour, command, source):
        known = self.base.objects.get((flavour, source)) if self.base else None
        if known and not self.changed & known[1]:
            self.objects[flavour, source] = known
            return
        out = self.dir / 'objects' / flavour / (source.replace('/', '-') + '.o')
        out.parent.mkdir(parents=True, exist_ok=True)
        deps = out.with_suffix('.d')
        run = subprocess.run([*command, '-c', source, '-o', out, '-MMD', '-MF', deps, '-w'], cwd=self.dir,
                             capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f'run.py: {self.dir.name}: {source} does not compile\n{run.stderr}')
        words = deps.read_text().replace('\\\n', ' ').split()[1:]
        self.objects[flavour, source] = (out, {os.path.normpath(w) for w in words})

    def link(self, tests):
        """Compiles what the tests need, and links them. Returns the program of each."""
        work = []
        if any(not t.piece for t in tests):
            files = [p for p in (self.dir / 'lib').glob('*/*')
                     if p.suffix in ('.cpp', '.S') and p.parent.name not in ANOTHER_LIBRARY]
            sources = sorted(str(p.relative_to(self.dir)) for p in files)
            work += [('library', LIBRARY, s) for s in sources]
        work += [('piece', PIECE, t.source) if t.piece else ('library', LIBRARY, t.source) for t in tests]
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda w: self.compile(*w), work))
        programs = {}
        for t in tests:
            out = programs[t] = self.dir / t.name
            if t.piece:
                command = [*PIECE, self.objects['piece', t.source][0]]
            else:
                library = [o for (f, s), (o, _) in self.objects.items() if f == 'library' and s.startswith('lib/')]
                command = [*LIBRARY, self.objects['library', t.source][0], *library, '-lboost_context', '-ldl']
            run = subprocess.run([*command, '-pthread', '-o', out], capture_output=True, text=True)
            if run.returncode != 0:
                sys.exit(f'run.py: {self.dir.name}: {t.name} does not link\n{run.stderr}')
        return programs


def randomised_bits():
    try:
        return int(pathlib.Path('/proc/sys/vm/mmap_rnd_bits').read_text())
    except (OSError, ValueError):
        return 28


def verdict(program, test, seed):
    """None if the program passes, else how it fails."""
    command = [program]
    if test.piece and randomised_bits() > 28:  # the sanitizer's shadow collides with mappings otherwise
        command = ['setarch', os.uname().machine, '-R', program]
    env = dict(os.environ, TSAN_OPTIONS='halt_on_error=1:exitcode=97')
    env.pop('GOSSAMER', None)
    if seed is not None:
        env['GOSSAMER'] = f'seed={seed}'
    try:
        run = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             errors='replace', timeout=HANG)
    except subprocess.TimeoutExpired:
        return f'it hung for {HANG} s'
    if run.returncode == 0:
        return None
    lines = (run.stderr + run.stdout).splitlines()
    telling = [l for l in lines if 'WARNING: ThreadSanitizer' in l or 'Assertion' in l or 'not so:' in l or
               'fatal error' in l or 'ERROR' in l]
    code = run.returncode
    how = signal.Signals(-code).name if code < 0 else f'exit {code}'
    return how + (': ' + telling[0].strip()[:110] if telling else '')


def first_failure(programs, most=None):
    for test, program in programs.items():
        for seed in test.seeds[:most]:
            failure = verdict(program, test, seed)
            if failure is not None:
                return f'{test.name}{"" if seed is None else f" (seed {seed})"}: {failure}'
    return None


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument('words', nargs='*')
    options.add_argument('--seconds', type=float)
    options.add_argument('--seed', default='')
    options = options.parse_args()
    words = options.words
    chosen = [m for m in MUTANTS if not words or any(w in m[0] for w in words)]
    if options.seconds is not None:
        random.Random(options.seed).shuffle(chosen)
    if not chosen:
        sys.exit('run.py: no such mutant; there are:\n' + '\n'.join(m[0] for m in MUTANTS))
    begin = time.monotonic()
    base = Tree('unmutated')
    tests = list(dict.fromkeys(t for m in chosen for t in m[1]))
    programs = base.link(tests)
    built = time.monotonic()
    failed = 0
    for t in tests:
        at = time.monotonic()
        failure = first_failure({t: programs[t]}, SEEDS_UNMUTATED)
        failed += failure is not None
        say(f'unmutated {t.name}: {failure or "passes"} ({time.monotonic() - at:.1f} s)')
    if failed:
        say(f'the program itself fails {failed} of its tests: no mutant was tried')
        say(f'0 passed, {len(chosen)} failed')
        return 1
    say(f'{len(chosen)} mutants; the program itself took {built - begin:.0f} s to build and '
        f'{time.monotonic() - built:.0f} s to pass')
    killed = tried = 0
    longest = 0.0
    for number, (name, its_tests, replacements) in enumerate(chosen):
        at = time.monotonic()
        if options.seconds is not None and tried > 0 and at - begin + longest > options.seconds:
            break
        tried += 1
        mutant = Tree(f'mutant{number}', base)
        for r in replacements:
            mutant.replace(*r)
        failure = first_failure(mutant.link(its_tests))
        killed += failure is not None
        say(f'{"killed  " if failure else "SURVIVED"} {name}: {failure or "nothing failed"} '
            f'({time.monotonic() - at:.1f} s)')
        shutil.rmtree(mutant.dir, ignore_errors=True)
        longest = max(longest, time.monotonic() - at)
    if tried < len(chosen):
        say(f'{len(chosen) - tried} of {len(chosen)} mutants left out for want of time (seed {options.seed})')
    say(f'{killed} passed, {tried - killed} failed')
    return 0 if killed == tried else 1


if __name__ == '__main__':
    sys.exit(main())
