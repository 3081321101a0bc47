/* wait: the wait protocol, from the push of a waiter to the last touch of its object.
 *
 * Mirrors lib/wait (waiter.hpp: P1 to P7, guard_bit.hpp), lib/sched/park.cpp and switch.cpp (park, post_switch, ready),
 * lib/event/timer_heap.cpp (arm, expire, disarm), lib/chan/chan.cpp (object A: a lock, a list of waiters, a buffer) and
 * lib/sync/wait_group.cpp (object G: count, waiting and guarded in one word).
 *
 * Who takes part: 2 workers, 3 fibers, 2 objects, 1 timer, 1 plain thread.
 *   fiber 0  waits on A, with a deadline: two waiters (A's list, the timer heap), one ticket
 *   fiber 1  sends to A, then calls G.done()
 *   fiber 2  waits on G, and destroys G when its wait returns
 *   thread   sends to A, then calls G.done()
 *   timer    expires at any moment after it was armed, in either worker
 * A fiber is on its stack from the moment a worker resumes it to the switch that saves its context (P3); what follows
 * that switch is the post-switch step, which the worker does before anything else.
 *
 * Checked: no lost wake-up (no end state but the one in which all have ended), no double resume, no wake of a fiber that
 * is still on its stack, no touch of a frame (ticket, waiters) that is gone, no touch of G after it is gone, no value
 * lost or doubled.
 * Planted faults, each of which must be found: FAULT_CLAIM (a claim always wins), FAULT_EARLY (the lock is released
 * before the switch), FAULT_LOSER (a loser is not withdrawn from A), FAULT_TIMER (nor from the heap), FAULT_TOUCH (done()
 * counts down first and takes the guard then), FAULT_LOOK (A is looked at before its lock is taken; with UNTIMED, where
 * fiber 0 has no deadline that could save it).
 */

#define WORKERS 2
#define FIBERS 3

mtype = { pending, woken, timed_out };

/* ---- fibers and the run queue ---- */
byte at[FIBERS];         /* how far its program is */
bit on_stack[FIBERS];
bit queued[FIBERS];      /* in a run queue */
bit ended[FIBERS];
bit thread_ended;

/* ---- fiber 0's frame: its ticket ---- */
bit frame;               /* it exists */
bit claimed;
mtype result = pending;

/* ---- object A ---- */
bit lock_A;
bit waiter_in_A;
byte values;             /* buffered */
byte received;

/* ---- the timer heap ---- */
bit lock_T;
bit armed;

/* ---- object G ---- */
byte count = 2;
bit guarded;
bit waiting;
bit waiter_in_G;
bit gone;

inline acquire(l) { atomic { !l -> l = 1 } }
inline release(l) { l = 0 }

/* P5 */
inline ready(f) {
  atomic {
    assert(!on_stack[f]);
    assert(!queued[f]);
    queued[f] = 1
  }
}

/* P4: one exchange, one winner */
inline claim(r, won) {
  atomic {
    assert(frame);
    won = !claimed;
#ifdef FAULT_CLAIM
    won = 1;
#endif
    claimed = 1;
    if
    :: won -> result = r
    :: else
    fi
  }
}

inline send_to_A(won) {
  acquire(lock_A);
  won = 0;
  if
  :: waiter_in_A ->
     waiter_in_A = 0;
     claim(woken, won)
  :: else
  fi;
  if
  :: won -> received++                 /* the value is moved under the lock */
  :: else -> values++
  fi;
  release(lock_A);                     /* P7 */
  if
  :: won -> ready(0)
  :: else
  fi;
  won = 0
}

/* Each branch is one compare-exchange of G's word, or its last store. */
inline done_G(won) {
#ifdef FAULT_TOUCH
  atomic { assert(!gone); !guarded -> count--; won = (count == 0) };
  if
  :: won -> atomic { assert(!gone); !guarded -> guarded = 1 };
     won = waiter_in_G;
     waiter_in_G = 0;
     atomic { assert(!gone); guarded = 0; waiting = 0 };
     if
     :: won -> ready(2)
     :: else
     fi
  :: else
  fi;
#else
  atomic {
    assert(!gone);
    !guarded ->
    if
    :: count == 1 && waiting -> guarded = 1; won = 1
    :: else -> count--; won = 0        /* P7: the last touch */
    fi
  };
  if
  :: won ->
     waiter_in_G = 0;                  /* P4: uncontested */
     atomic { assert(!gone); count = 0; guarded = 0; waiting = 0 };  /* P7: one store */
     ready(2)
  :: else
  fi;
#endif
  won = 0
}

/* P3: the fiber leaves its stack. */
inline save(f) { atomic { assert(on_stack[f]); on_stack[f] = 0 } }

inline expire(won) {
  acquire(lock_T);
  won = 0;
  if
  :: armed -> armed = 0; claim(timed_out, won)
  :: else
  fi;
  release(lock_T);
  if
  :: won -> ready(0)
  :: else
  fi;
  won = 0
}

inline run_fiber_0(seen) {
  if
  :: at[0] == 0 ->
     frame = 1;                        /* P1 */
#ifdef FAULT_LOOK
     seen = (values > 0);
     acquire(lock_A);
#else
     acquire(lock_A);
     seen = (values > 0);
#endif
     if
     :: seen ->
        values--; received++;
        release(lock_A);
        frame = 0;
        atomic { on_stack[0] = 0; ended[0] = 1 }
     :: else ->
        waiter_in_A = 1;               /* P2 */
        at[0] = 1;
#ifdef FAULT_EARLY
        release(lock_A);
        save(0);
        acquire(lock_T); armed = 1; release(lock_T)
#else
        save(0);                       /* P3, and now the post-switch step */
#ifndef UNTIMED
        acquire(lock_T); armed = 1; release(lock_T);
#endif
        release(lock_A)
#endif
     fi;
     seen = 0
  :: else ->
     assert(claimed && result != pending);
     if
     :: result == woken ->
#ifndef FAULT_TIMER
        acquire(lock_T); armed = 0; release(lock_T)       /* P6 */
#else
        skip
#endif
     :: else ->
#ifndef FAULT_LOSER
        acquire(lock_A); waiter_in_A = 0; release(lock_A) /* P6 */
#else
        skip
#endif
     fi;
     frame = 0;
     atomic { on_stack[0] = 0; ended[0] = 1 }
  fi
}

inline run_fiber_1(won) {
  send_to_A(won);
  done_G(won);
  atomic { on_stack[1] = 0; ended[1] = 1 }
}

inline run_fiber_2(seen) {
  if
  :: at[2] == 0 ->
     atomic {
       assert(!gone);
       !guarded ->
       seen = (count > 0);
       if
       :: seen -> guarded = 1
       :: else
       fi
     };
     if
     :: seen ->
        waiter_in_G = 1;               /* P2 */
        at[2] = 1;
        save(2);                       /* P3 */
        atomic { assert(!gone); guarded = 0; waiting = 1 }
     :: else ->
        gone = 1;                      /* the wait has returned: G may go */
        atomic { on_stack[2] = 0; ended[2] = 1 }
     fi;
     seen = 0
  :: else ->
     gone = 1;
     atomic { on_stack[2] = 0; ended[2] = 1 }
  fi
}

inline resume(f) {
  atomic {
    queued[f] ->
    assert(!on_stack[f] && !ended[f]);
    queued[f] = 0;
    on_stack[f] = 1
  }
}

proctype worker() {
  bit b;
end:
  do
  :: resume(0); run_fiber_0(b)
  :: resume(1); run_fiber_1(b)
  :: resume(2); run_fiber_2(b)
  :: armed -> expire(b)
  od
}

proctype plain_thread() {
  bit b;
  send_to_A(b);
  done_G(b);
  thread_ended = 1
}

/* Where nothing can go on any more, all must have ended. */
proctype quiescent() {
  timeout;
  assert(ended[0] && ended[1] && ended[2] && thread_ended);
  assert(!frame && !waiter_in_A && !armed && !waiter_in_G && gone);
  assert(values + received == 2)
}

init {
  atomic {
    queued[0] = 1; queued[1] = 1; queued[2] = 1;
    run worker(); run worker();
    run plain_thread();
    run quiescent()
  }
}
