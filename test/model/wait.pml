/* wait: parking, claiming, making ready, withdrawing: nobody is woken twice, too early, or not at all.
 *
 * Mirrors class ticket (lib/wait/waiter.hpp: ticket, waiter, claim, claim_first), lib/sched/park.cpp,
 * make_ready.hpp and switch.cpp (park, ready, the post-switch step), lib/event/timer_heap.cpp (arm, expire, disarm), and the shape of lib/chan/chan.cpp for the
 * objects. Objects whose lock is a bit of their state, and the death of objects, are in touch.pml.
 *
 * Who takes part: 2 workers, 2 objects, 3 fibers, 1 timer (fiber 0's), 1 plain thread. An object is a spin lock,
 * tokens, and a queue of waiters, as a buffered channel is: put() adds a token or hands it to a waiter, take() takes
 * one or waits: at one object, at both with one ticket (select), with a deadline or without, or at none (sleep). Fiber
 * 0 makes CALLS calls, the others OTHERS each, chosen freely from those listed in `party`.
 *
 * The steps, as in waiter.hpp:
 *   P1  the waiter makes a ticket, and a waiter for each object; both lie in the call's frame;
 *   P2  under the objects' locks it looks, and if it must block it pushes its waiters;
 *   P3  park(): the worker goes on to something else, and only then: the context is stored, the deadline armed, and
 *       the locks released. A plain thread releases, and sleeps on a word of its record; it times out by itself;
 *   P4  a waker, under an object's lock (the timer heap's is one), pops waiters until a claim wins, and moves the
 *       value;
 *   P5  it unlocks, and makes the owner ready: a fiber goes to a queue, a thread's word is set. Nothing else of the
 *       waiter is touched, for its frame may be gone;
 *   P6  the woken one relocks the other objects and withdraws; it disarms its deadline (the heap's entry stays,
 *       stale);
 *   P7  unlocking is the last access of each call to an object.
 *
 * Every access to a frame by another asserts that the frame is alive (each call has a frame of its own, so an access
 * that comes too late never finds a later frame in its place). ready() asserts that the fiber has left its stack and
 * is not ready yet; a worker that resumes asserts the same. Queues are reduced to "is ready": any worker may take any
 * ready fiber; that one does is idle.pml. Where nothing can happen any more, `quiescent` looks for tokens beside
 * waiters, and for sleepers that have been claimed or have a deadline.
 *
 * A step that touches only what the party owns at that moment (its frame before it is pushed, a frame it has claimed,
 * what a held lock guards) is part of the step before or after.
 *
 * Planted faults, each of which must be found: FAULT_CLAIM_ALWAYS_WINS, FAULT_UNLOCK_BEFORE_SWITCH, FAULT_LOSER_STAYS
 * (it is not withdrawn), FAULT_NO_DISARM, FAULT_READY_BEFORE_VALUE (the value is moved after ready()),
 * FAULT_LOOK_BEFORE_LOCK.
 */

#define FIBERS 3
#define THREAD 3  /* the plain thread's record */
#define PARTIES 4
#define OBJECTS 2
#define TIMED 0   /* the fiber that has deadlines */
#ifndef CALLS /* of fiber TIMED; the others make OTHERS each */
#define CALLS 2
#endif
#ifndef OTHERS
#define OTHERS 1
#endif
#define calls_of(me) (me == TIMED -> CALLS : OTHERS)
#define FRAMES 8
#define QUEUES 8 /* OBJECTS * PARTIES */
#define NOBODY 255

#define frame_of(party, call) (party + PARTIES * call)
#define owner_of(frame) (frame % PARTIES)

/* ---- frames: a ticket and its waiters, on the stack of the one that waits ---------------------------------------- */

mtype = { pending, woken, timed_out };
bit alive[FRAMES];
bit claimed[FRAMES];
bit uncontested[FRAMES];
mtype outcome[FRAMES] = pending;
byte got[FRAMES];   /* 1 + the object whose token it was handed */
byte where[FRAMES]; /* set of objects: bit 0, bit 1 */
bit with_deadline[FRAMES];

/* ---- records: type-stable ---------------------------------------------------------------------------------------- */

bit is_ready[FIBERS] = 1;
bit context_stored[FIBERS] = 1;
byte worker_of[FIBERS] = NOBODY; /* whose stack pointer is in its stack */
bit has_ended[FIBERS];
byte ticket[FIBERS];             /* a frame */
byte timer_turn;                 /* of fiber TIMED */
bit thread_word;

/* ---- objects, and the timer heap --------------------------------------------------------------------------------- */

bit locked[OBJECTS];
byte tokens[OBJECTS];
byte waiters[QUEUES];       /* of object o: frames at o * PARTIES, first come first served */
byte length[OBJECTS];
byte puts[OBJECTS], takes[OBJECTS]; /* for the final account */

bit heap_locked;
bit entry_used[CALLS];
byte entry_turn[CALLS];

inline lock(o) { !locked[o] -> locked[o] = 1 }

/* Inside d_step, with the object locked. */
#define slot(o, i) waiters[(o) * PARTIES + i]
inline push(o, c) {
  assert(length[o] < PARTIES);
  slot(o, length[o]) = c;
  length[o]++
}
inline remove_at(o, i) { /* at most four wait */
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
#define queued(o, c) (at(o, 0, c) || at(o, 1, c) || at(o, 2, c) || at(o, 3, c))

/* ---- P5 ---------------------------------------------------------------------------------------------------------- */

inline ready(q) {
  d_step {
    if
    :: q == THREAD ->
      assert(!thread_word); /* no double wake-up */
      thread_word = 1
    :: else ->
      assert(context_stored[q] && worker_of[q] == NOBODY); /* not on its stack any more */
      assert(!is_ready[q]);                                /* no double wake-up */
      is_ready[q] = 1
    fi
  }
}

/* ---- P4 ---------------------------------------------------------------------------------------------------------- */

/* wait::claim(), true for one; inside d_step. */
inline claim(c, how, won) {
  assert(alive[c]);
  assert(!(uncontested[c] && claimed[c]));
#ifndef FAULT_CLAIM_ALWAYS_WINS
  won = !claimed[c];
#else
  won = 1;
#endif
  claimed[c] = 1;
  if
  :: won -> outcome[c] = how
  :: else
  fi
}

inline move_value(o, c) {
  assert(alive[c] && got[c] == 0);
  got[c] = o + 1;
  puts[o]++
}

inline put(o) {
  atomic {
    !locked[o];
    if
    :: length[o] == 0 ->
      tokens[o]++;
      puts[o]++;
      goto called
    :: else -> locked[o] = 1
    fi
  };
  do
  :: d_step {
      !won && length[o] > 0 ->
      c = slot(o, 0);
      remove_at(o, 0)
    };
    d_step { claim(c, woken, won) }
  :: else -> break
  od;
  atomic {
    locked[o] = 0; /* P7 */
    if
    :: won ->
#ifndef FAULT_READY_BEFORE_VALUE
      move_value(o, c)
#endif
    :: else -> /* all of them had been claimed */
      tokens[o]++;
      puts[o]++;
      goto called
    fi
  };
  ready(owner_of(c));
#ifdef FAULT_READY_BEFORE_VALUE
  d_step { move_value(o, c) }
#endif
}

/* ---- P1, P2, P3, P6 ---------------------------------------------------------------------------------------------- */

#define among(o, set) ((set >> (o)) & 1)
#ifndef FAULT_LOOK_BEFORE_LOCK
#define has_token(o) (among(o, set) && tokens[o] > 0)
#else
#define has_token(o) (!blind && among(o, set) && tokens[o] > 0)
#endif
#define lockable (set == 0 || (set == 3 && locked[0] && !locked[1]) || (set != 3 && !locked[set - 1]))

/* Inside atomic, with all objects of the set locked, the last one by this step. */
inline look_or_push() {
  if
  :: has_token(0) ->
    tokens[0]--;
    takes[0]++;
    unlock_all() /* P7 */
  :: !has_token(0) && has_token(1) ->
    tokens[1]--;
    takes[1]++;
    unlock_all()
  :: else ->
    blocks = 1;
    c = frame_of(me, call);
    alive[c] = 1; /* P1 */
    where[c] = set;
    with_deadline[c] = deadline;
    uncontested[c] = (set == 0 || (set != 3 && !deadline));
    if
    :: among(0, set) ->
      push(0, c); /* P2 */
      locked[0] = 1
    :: else
    fi;
    if
    :: among(1, set) ->
      push(1, c);
      locked[1] = 1
    :: else
    fi
  fi
}

inline unlock_all() {
  if
  :: set == 3 -> locked[0] = 0
  :: else
  fi
}

inline release(o, set) {
  if
  :: among(o, set) -> locked[o] = 0
  :: else
  fi
}

inline take() {
#ifdef FAULT_LOOK_BEFORE_LOCK
  blind = 0;
  blind = (!has_token(0) && !has_token(1));
#endif
  if
  :: set == 3 -> atomic { lock(0) }
  :: else
  fi;
  d_step {
    lockable ->
    look_or_push()
  };
  if
  :: !blocks -> goto called
  :: else -> blocks = 0
  fi;
#ifdef FAULT_UNLOCK_BEFORE_SWITCH
  release(0, set);
  release(1, set);
#endif
  park(); /* P3 */
#ifndef FAULT_NO_DISARM
  if
  :: me == TIMED && outcome[c] != timed_out -> d_step { !heap_locked -> timer_turn++ } /* P6 */
  :: else
  fi;
#endif
#ifndef FAULT_LOSER_STAYS
  withdraw(0);
  withdraw(1);
#endif
  d_step {
    assert(claimed[c] && outcome[c] != pending);
    assert((got[c] != 0) == (outcome[c] == woken));
    if
    :: got[c] != 0 -> takes[got[c] - 1]++
    :: else
    fi;
    alive[c] = 0; /* the call returns; the rest only saves states */
    claimed[c] = 0;
    outcome[c] = pending;
    got[c] = 0;
    where[c] = 0;
    uncontested[c] = 0;
    with_deadline[c] = 0
  }
}

/* P6, and P7. */
inline withdraw(o) {
  if
  :: among(o, set) && !uncontested[c] && got[c] != o + 1 ->
    d_step {
      !locked[o] ->
      remove(o, c)
    }
  :: else
  fi
}

inline park() {
  if
  :: me == THREAD ->
    release(0, set);
    release(1, set);
end_thread_sleeps:
    do
    :: d_step { thread_word -> thread_word = 0 } -> break
    :: atomic {
        deadline ->
        deadline = 0; /* once: if somebody else has claimed it, he is about to wake us */
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
      worker_of[me] = NOBODY /* the jump; the rest of P3 is post_switch() */
    };
end_parked:
    worker_of[me] != NOBODY
  fi
}

/* What the fibers and the plain thread may do. */
proctype party(byte me) {
  byte call, set, c;
  bit deadline, blocks, won, puts_one, blind;

  if
  :: me == THREAD
  :: else -> worker_of[me] != NOBODY
  fi;
next_call:
  atomic {
    if
    :: me == 0 -> deadline = 1; set = 1
    :: me == 0 -> deadline = 1; set = 3
    :: me == 0 -> deadline = 1; set = 0
    :: me == 1 -> set = 1
    :: me == 1 -> set = 3
    :: me == 1 -> set = 2; puts_one = 1
    :: me == 2 -> set = 3
    :: me == 2 -> set = 1; puts_one = 1
    :: me == 2 -> set = 2; puts_one = 1
    :: me == THREAD -> set = 2; deadline = 1
    :: me == THREAD -> set = 3
    :: me == THREAD -> set = 1; puts_one = 1
    :: me == THREAD -> set = 2; puts_one = 1
    fi
  };
  if
  :: puts_one -> put((set - 1))
  :: else -> take()
  fi;
called:
  atomic {
    call++;
    c = 0;
    set = 0;
    deadline = 0;
    puts_one = 0;
    won = 0;
    if
    :: call < calls_of(me) -> goto next_call
    :: else
    fi;
    if
    :: me == THREAD
    :: else ->
      has_ended[me] = 1;
      worker_of[me] = NOBODY
    fi
  }
}

/* ---- a worker: resumes what is ready, does the second half of P3, expires timers --------------------------------- */

inline resume(f) {
  is_ready[f] ->
  is_ready[f] = 0;
  assert(context_stored[f] && worker_of[f] == NOBODY && !has_ended[f]); /* no double resume */
  context_stored[f] = 0;
  worker_of[f] = me;
  q = f
}

/* P4 and P5 by time: timer_heap::expire(). What was disarmed is dropped, and nothing of the frame looked at. */
inline expire(k) {
  atomic {
    entry_used[k] && !heap_locked ->
    entry_used[k] = 0;
    if
    :: entry_turn[k] != timer_turn ->
      entry_turn[k] = 0;
      goto end_idle
    :: else ->
      entry_turn[k] = 0;
      heap_locked = 1;
      c = ticket[TIMED]
    fi
  };
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
}

/* worker::post_switch(): the second half of P3. */
inline post_switch(f) {
  d_step {
    context_stored[f] = 1;
    c = ticket[f];
    assert(alive[c]); /* where the locks are, and the deadline, is read before the deadline is armed */
    set = where[c];
    deadline = with_deadline[c]
  };
  if
  :: deadline ->
    d_step {
      !heap_locked ->
      deadline = 0;
      k = c / PARTIES;
      entry_used[k] = 1;
      entry_turn[k] = timer_turn;
      k = 0
    }
  :: else
  fi;
#ifndef FAULT_UNLOCK_BEFORE_SWITCH
  d_step {
    assert(set == 0 || alive[c]); /* which locks they are is read after */
    release(0, set)
  };
  release(1, set);
#endif
  d_step {
    c = 0;
    set = 0
  }
}

proctype worker(byte me) {
  byte q, c, set, k;
  bit won, deadline;

end_idle:
  do
  :: atomic { resume(0) } -> goto left
  :: atomic { resume(1) } -> goto left
  :: atomic { resume(2) } -> goto left
  :: expire(0)
#if CALLS > 1
  :: expire(1)
#endif
  od;
left:
  worker_of[q] == NOBODY;
  if
  :: has_ended[q]
  :: else -> post_switch(q)
  fi;
  q = 0;
  goto end_idle
}

/* ---- where nothing can happen any more --------------------------------------------------------------------------- */

#define waits_at(c, o) (among(o, where[c]) && !(queued(o, c) && tokens[o] == 0))
#define as_it_should(c) \
  (!alive[c] || (!claimed[c] && !with_deadline[c] && !waits_at(c, 0) && !waits_at(c, 1)))

proctype quiescent() {
  atomic {
    timeout ->
    assert(as_it_should(0) && as_it_should(1) && as_it_should(2) && as_it_should(3));
    assert(as_it_should(4) && as_it_should(5) && as_it_should(6) && as_it_should(7));
    assert(puts[0] == takes[0] + tokens[0] && puts[1] == takes[1] + tokens[1]);
    assert(!locked[0] && !locked[1] && !heap_locked)
  }
}

init {
  atomic {
    run worker(0);
    run worker(1);
    run party(0);
    run party(1);
    run party(2);
    run party(THREAD);
    run quiescent()
  }
}
