/* touch: the last touch: a mutex and a wait group whose whole state is one word, and who may destroy them when.
 *
 * Mirrors lib/wait/guard_bit.hpp, lib/sync/mutex.cpp and wait_group.cpp; beneath them lib/wait/waiter.hpp, park() and
 * the post-switch step (lib/sched/park.cpp, switch.cpp) and the timer heap, as wait.pml has them with all their steps.
 *
 * Who takes part: 2 workers, 2 objects (the mutex m, the wait group g with a count of 2), 3 fibers, 1 timer, 1 plain
 * thread:
 *   fiber 0  either g.wait_for(d), and again g.wait() if that timed out; or m.try_lock_for(d), m.lock() if that timed
 *            out, m.unlock(), and then g.wait()
 *   fiber 1  m.lock(), m.unlock(), g.done()
 *   fiber 2  m.lock(), m.unlock(), g.wait()
 *   thread   m.try_lock_for(d), m.lock() if that timed out, m.unlock(), g.done()
 * The last of those that lock m to hold it destroys it as soon as its unlock() has returned, though the one before may
 * still be in its unlock(). The last of those that wait on g to come out destroys it, though those that called done()
 * may still be in it.
 *
 * Each compare-exchange is one step: it is decided by the word as it is then, and its repetition is left out. Spinning
 * on a guard is left out too, but where the object dies meanwhile the spinner reads it. P7: the store that releases
 * the guard, or the compare-exchange where nobody waits, is the last access. Every access asserts that the object, and
 * the frame, is alive. P1 to P6 are named below; with the mutex also that one holds it at a time. In the end all must
 * have ended: nobody waits for a wake-up that does not come.
 *
 * Planted faults: FAULT_TOUCH_AFTER_LAST (done() counts down and takes the guard then), FAULT_UNLOCK_THEN_WAKE
 * (unlock() gives the lock up and takes the guard then), FAULT_WAKE_BEFORE_RELEASE (P5 before P7), FAULT_NO_WITHDRAW,
 * FAULT_WOKEN_KEPT (a woken waiter that parks again leaves the mutex's `woken` set), FAULT_FIRST_DESTROYS (g is
 * destroyed by the first wait that returns, while another that has timed out is still in its call: what a user may not
 * do).
 */

#define THREAD 3
#define PARTIES 4
#define TIMED 0
#define FRAMES 8 /* two for each party, in turn */
#define NOBODY 255

/* ---- the words --------------------------------------------------------------------------------------------------- */

#define LOCKED 1 /* of m */
#define GUARDED 2
#define WAITING 4
#define WOKEN 8
#define STARVING 16
#define ONE 8 /* of g: the count's unit, above the same GUARDED and WAITING */

#define M 0
#define G 1
byte word[2];
bit dead[2];
byte users[2];
bit fiber_0_locks;
bit held; /* m is, by its users' account */

#define guarded(o) (word[o] & GUARDED)
#define all_but(w, bits) (w - (w & (bits)))

/* load_unguarded() and a compare-exchange that succeeds begin so. */
#define unguarded(o) (dead[o] || !guarded(o))

#define free_to_take(w) (!(w & (LOCKED | GUARDED | STARVING)))
#define nobody_to_wake(w) \
  ((w & (LOCKED | GUARDED | WAITING)) == LOCKED || (w & (LOCKED | GUARDED | WOKEN | STARVING)) == (LOCKED | WOKEN))

/* ---- queues, guarded by the guard bit ---------------------------------------------------------------------------- */

byte waiters[8]; /* of object o: frames at o * PARTIES, in order */
byte length[2];
#define slot(o, i) waiters[(o) * PARTIES + i]

/* All inside d_step. */
inline push_back(o, c) {
  assert(length[o] < PARTIES);
  slot(o, length[o]) = c;
  length[o]++
}
inline push_front(o, c) {
  assert(length[o] < PARTIES);
  slot(o, 3) = slot(o, 2);
  slot(o, 2) = slot(o, 1);
  slot(o, 1) = slot(o, 0);
  slot(o, 0) = c;
  length[o]++
}
inline remove_at(o, i) {
  length[o]--;
  if
  :: i < 1 -> slot(o, 0) = slot(o, 1)
  :: else
  fi;
  if
  :: i < 2 -> slot(o, 1) = slot(o, 2)
  :: else
  fi;
  if
  :: i < 3 -> slot(o, 2) = slot(o, 3)
  :: else
  fi;
  slot(o, 3) = 0
}
#define at(o, i, c) (length[o] > i && slot(o, i) == c)
inline remove(o, c) {
  if
  :: at(o, 0, c) -> remove_at(o, 0)
  :: at(o, 1, c) -> remove_at(o, 1)
  :: at(o, 2, c) -> remove_at(o, 2)
  :: at(o, 3, c) -> remove_at(o, 3)
  :: else
  fi
}

/* ---- frames, records, the timer heap ----------------------------------------------------------------------------- */

mtype = { pending, woken, timed_out };
bit alive[FRAMES];
bit claimed[FRAMES];
bit uncontested[FRAMES];
bit granted[FRAMES];
bit with_deadline[FRAMES];
mtype outcome[FRAMES] = pending;
byte lock_of[FRAMES];   /* what park() is to release, */
byte released[FRAMES];  /* and the word's next value: held_lock */

bit is_ready[3] = 1;
bit context_stored[3] = 1;
byte worker_of[3] = NOBODY;
bit has_ended[PARTIES];
byte ticket[3];
bit thread_word;

bit heap_locked;
bit armed; /* with fiber TIMED's ticket; wait.pml has the stale entries */

/* P5 */
inline ready(q) {
  d_step {
    if
    :: q == THREAD ->
      assert(!thread_word);
      thread_word = 1
    :: else ->
      assert(context_stored[q] && worker_of[q] == NOBODY && !is_ready[q] && !has_ended[q]);
      is_ready[q] = 1
    fi
  }
}

/* P4; inside d_step. */
inline claim(c, how, won) {
  assert(alive[c]);
  assert(!(uncontested[c] && claimed[c]));
  won = !claimed[c];
  claimed[c] = 1;
  if
  :: won -> outcome[c] = how
  :: else
  fi
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

/* P1, and P2 by `push`; inside d_step, with the guard of o held. */
inline make_waiter(o, next_value) {
  c = me + PARTIES * turn;
  turn = 1 - turn;
  assert(!dead[o] && guarded(o) && !alive[c]);
  alive[c] = 1;
  with_deadline[c] = deadline;
  uncontested[c] = !deadline;
  lock_of[c] = o;
  released[c] = next_value
}

inline leave_frame() {
  alive[c] = 0; /* the rest only saves states */
  claimed[c] = 0;
  uncontested[c] = 0;
  granted[c] = 0;
  with_deadline[c] = 0;
  outcome[c] = pending;
  lock_of[c] = 0;
  released[c] = 0;
  c = 0
}

inline store_released(c) {
  assert(alive[c] && !dead[lock_of[c]] && guarded(lock_of[c]));
  word[lock_of[c]] = released[c] /* P7 of the call that parks */
}

/* P3. When it is over, `late` says whether time was the winner. */
inline park() {
  if
  :: me == THREAD ->
    d_step { store_released(c) };
    do
    :: d_step { thread_word -> thread_word = 0 } -> break
    :: atomic {
        with_deadline[c] ->
        with_deadline[c] = 0; /* once: else somebody is about to wake us */
        claim(c, timed_out, won);
        if
        :: won ->
          won = 0;
          break
        :: else
        fi
      }
    od
  :: else ->
    d_step {
      ticket[me] = c;
      worker_of[me] = NOBODY /* the jump: post_switch() follows */
    };
    worker_of[me] != NOBODY;
    if
    :: with_deadline[c] && outcome[c] != timed_out -> d_step { !heap_locked -> armed = 0 } /* P6: disarm() */
    :: else
    fi
  fi;
  atomic {
    assert(claimed[c] && outcome[c] != pending);
    late = (outcome[c] == timed_out)
  }
}

/* P6 */
inline withdraw(o) {
  d_step {
    unguarded(o) ->
    assert(!dead[o]);
    word[o] = word[o] | GUARDED
  };
#ifndef FAULT_NO_WITHDRAW
  d_step { remove(o, c) };
#endif
  d_step {
    assert(!dead[o] && guarded(o));
    word[o] = all_but(word[o], GUARDED);
    if /* nobody waits, and nobody is owed a hand-over */
    :: length[o] == 0 && o == M -> word[o] = all_but(word[o], WAITING | STARVING)
    :: length[o] == 0 && o == G -> word[o] = all_but(word[o], WAITING)
    :: else
    fi
  }
}

/* ---- mutex ------------------------------------------------------------------------------------------------------- */

/* lock_contended(); the fast path is its first round. `late` tells whether it has failed. */
inline mutex_lock() {
  late = 0;
  do
  :: atomic {
      unguarded(M) ->
      assert(!dead[M]);
      if
      :: free_to_take(word[M]) ->
        word[M] = all_but((word[M] | LOCKED), was_woken);
        was_woken = 0;
        starves = 0;
        waited = 0;
        break
      :: else -> word[M] = word[M] | GUARDED
      fi
    };
    d_step {
#ifndef FAULT_WOKEN_KEPT
      make_waiter(M, all_but(all_but((word[M] | WAITING | starves), GUARDED), was_woken));
#else
      make_waiter(M, all_but((word[M] | WAITING | starves), GUARDED));
#endif
      if
      :: waited -> push_front(M, c)
      :: else -> push_back(M, c)
      fi;
      waited = 1;
      was_woken = 0;
      starves = 0
    };
    park();
    if
    :: granted[c] ->
      d_step {
        leave_frame();
        waited = 0
      };
      break
    :: !granted[c] && late ->
      withdraw(M);
      d_step {
        leave_frame();
        waited = 0
      };
      break
    :: else ->
      atomic {
        leave_frame();
        was_woken = WOKEN;
        if /* has it waited for a millisecond? */
        :: starves = STARVING
        :: skip
        fi
      }
    fi
  od
}

inline claim_first(o) {
  won = 0;
  do
  :: d_step {
      !won && length[o] > 0 ->
      assert(!dead[o] && guarded(o));
      c = slot(o, 0);
      remove_at(o, 0)
    };
    d_step { claim(c, woken, won) }
  :: else -> break
  od
}

inline mutex_unlock() {
  atomic {
    unguarded(M) ->
    assert(!dead[M] && (word[M] & LOCKED));
    if
    :: nobody_to_wake(word[M]) ->
      word[M] = all_but(word[M], LOCKED); /* P7 */
      goto unlocked
    :: else ->
#ifndef FAULT_UNLOCK_THEN_WAKE
      word[M] = word[M] | GUARDED
#else
      word[M] = all_but(word[M], LOCKED)
#endif
    fi
  };
#ifdef FAULT_UNLOCK_THEN_WAKE
  d_step {
    unguarded(M) ->
    assert(!dead[M]);
    word[M] = word[M] | GUARDED
  };
#endif
  claim_first(M);
  atomic {
    after = all_but(word[M], GUARDED);
    if
    :: length[M] == 0 -> after = all_but(after, WAITING)
    :: else
    fi;
    if
    :: !won -> after = all_but(after, LOCKED | STARVING)
    :: won && (after & STARVING) ->
      assert(alive[c]);
      granted[c] = 1; /* it stays locked */
      if
      :: after = all_but(after, STARVING)
      :: length[M] > 0
      fi
    :: won && !(after & STARVING) -> after = all_but(after, LOCKED) | WOKEN
    fi
  };
  d_step {
    assert(!dead[M] && guarded(M));
    word[M] = after; /* P7 */
    after = 0
  };
  if
  :: won -> ready(c % PARTIES) /* P5 */
  :: else
  fi;
unlocked:
  atomic {
    won = 0;
    c = 0
  }
}

/* ---- wait_group -------------------------------------------------------------------------------------------------- */

inline release_group() {
  atomic {
    assert(!dead[G] && guarded(G));
    word[G] = 0 /* P7 */
  }
}

inline group_done() {
#ifndef FAULT_TOUCH_AFTER_LAST
  atomic {
    unguarded(G) ->
    assert(!dead[G] && word[G] >= ONE);
    if
    :: word[G] == (ONE | WAITING) -> word[G] = word[G] | GUARDED
    :: else ->
      word[G] = word[G] - ONE; /* P7 */
      goto done
    fi
  };
#else
  atomic {
    unguarded(G) ->
    assert(!dead[G] && word[G] >= ONE);
    word[G] = word[G] - ONE;
    if
    :: word[G] == WAITING
    :: else -> goto done
    fi
  };
  d_step {
    unguarded(G) ->
    assert(!dead[G]);
    word[G] = word[G] | GUARDED
  };
#endif
  do /* release_waiters(): claim_first() until there is none */
  :: d_step {
      length[G] > 0 ->
      assert(!dead[G] && guarded(G));
      c = slot(G, 0);
      remove_at(G, 0)
    };
    d_step {
      claim(c, woken, won);
      if
      :: won && c % PARTIES == 0 -> wake_0 = 1
      :: won && c % PARTIES == 2 -> wake_2 = 1
      :: else
      fi;
      assert(!won || c % PARTIES == 0 || c % PARTIES == 2);
      won = 0;
      c = 0
    }
  :: else -> break
  od;
#ifndef FAULT_WAKE_BEFORE_RELEASE
  release_group();
#endif
  if
  :: wake_0 -> ready(0)
  :: else
  fi;
  if
  :: wake_2 -> ready(2)
  :: else
  fi;
#ifdef FAULT_WAKE_BEFORE_RELEASE
  release_group();
#endif
done:
  atomic {
    wake_0 = 0;
    wake_2 = 0
  }
}

inline group_wait() {
  late = 0;
  atomic {
    unguarded(G) ->
    assert(!dead[G]);
    if
    :: word[G] < ONE -> goto waited_for
    :: else -> word[G] = word[G] | GUARDED
    fi
  };
  d_step {
    make_waiter(G, all_but((word[G] | WAITING), GUARDED));
    push_back(G, c)
  };
  park();
  if
  :: late -> withdraw(G)
  :: else
  fi;
  atomic { leave_frame() };
waited_for:
  skip
}

#define waits_on_g(c) (alive[c] && lock_of[c] == G && claimed[c])

/* ---- the parties ------------------------------------------------------------------------------------------------- */

proctype party(byte me) {
  byte c, after, was_woken, starves;
  bit turn, deadline, late, won, waited, last, wake_0, wake_2, wants_m;

  if
  :: me == THREAD
  :: else -> worker_of[me] != NOBODY
  fi;
  wants_m = (me != 0 || fiber_0_locks);
  deadline = (me == THREAD || me == TIMED);
lock:
  if
  :: wants_m ->
    mutex_lock();
    if
    :: late ->
      deadline = 0;
      goto lock
    :: else -> deadline = 0
    fi;
    d_step {
      assert(!held);
      held = 1
    };
    d_step {
      held = 0;
      users[M]--;
      last = (users[M] == 0)
    };
    mutex_unlock();
    if
    :: last ->
      dead[M] = 1;
      last = 0
    :: else
    fi
  :: else
  fi;
wait:
  if
  :: me == 1 || me == THREAD -> group_done()
  :: else ->
    group_wait();
#ifndef FAULT_FIRST_DESTROYS
    if
    :: late ->
      deadline = 0;
      goto wait
    :: else
    fi;
#endif
    d_step {
      users[G]--;
#ifndef FAULT_FIRST_DESTROYS
      dead[G] = (users[G] == 0)
#else
      dead[G] = (users[G] == 0 || (me == 2 && (waits_on_g(0) || waits_on_g(4))))
#endif
    }
  fi;
  atomic {
    has_ended[me] = 1;
    if
    :: me == THREAD
    :: else -> worker_of[me] = NOBODY
    fi
  }
}

/* ---- a worker ---------------------------------------------------------------------------------------------------- */

inline resume(f) {
  is_ready[f] ->
  is_ready[f] = 0;
  assert(context_stored[f] && worker_of[f] == NOBODY && !has_ended[f]); /* no double resume */
  context_stored[f] = 0;
  worker_of[f] = me;
  q = f
}

proctype worker(byte me) {
  byte q, c;
  bit won;

end_idle:
  do
  :: atomic { resume(0) } -> goto left
  :: atomic { resume(1) } -> goto left
  :: atomic { resume(2) } -> goto left
  :: atomic { armed && !heap_locked -> armed = 0; heap_locked = 1; c = ticket[TIMED] }; /* P4 by time: expire() */
    d_step {
      claim(c, timed_out, won);
      heap_locked = 0;
      c = 0
    };
    if
    :: won ->
      won = 0;
      ready(TIMED)
    :: else
    fi
  od;
left:
  worker_of[q] == NOBODY;
  if
  :: has_ended[q]
  :: else -> /* the second half of P3: post_switch() */
    d_step {
      context_stored[q] = 1;
      c = ticket[q];
      assert(alive[c])
    };
    if
    :: with_deadline[c] -> d_step { !heap_locked -> armed = 1 }
    :: else
    fi;
    atomic {
      store_released(c);
      c = 0
    }
  fi;
  q = 0;
  goto end_idle
}

proctype quiescent() {
  atomic {
    timeout ->
    assert(has_ended[0] && has_ended[1] && has_ended[2] && has_ended[THREAD]);
    assert(dead[M] && dead[G] && word[M] == 0 && word[G] == 0 && length[M] == 0 && length[G] == 0);
    assert(!armed && !heap_locked)
  }
}

init {
  atomic {
    word[G] = 2 * ONE;
    users[G] = 2;
    if
    :: users[M] = 3
    :: users[M] = 4; fiber_0_locks = 1
    fi;
    run worker(0);
    run worker(1);
    run party(0);
    run party(1);
    run party(2);
    run party(THREAD);
    run quiescent()
  }
}
