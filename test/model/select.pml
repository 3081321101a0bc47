/* select: several waiters with one ticket on unbuffered and buffered channels: one case is chosen, and whoever matches
 * meets.
 *
 * Mirrors lib/chan/select.cpp and attempt.hpp, over the wait protocol of wait.pml (P1 to P7, lib/wait/waiter.hpp,
 * lib/sched/park.cpp and switch.cpp).
 *
 * Who takes part: channels 0 and 1 of capacity CAP0 and CAP1; fiber 0 selects between a send on 0 and a receive on 1,
 * with a deadline; fiber 1 between a send on 1 and a receive on 0, so that its cases stand in the opposite order; fiber
 * 2 sends on 0; with -DRECEIVER fiber 3 receives on 1; with -DCLOSE somebody closes channel 1. Each makes one call.
 *
 * The steps:
 *   S1  a case that looks ready is tried alone, under its channel's lock (any case, or none: the look is a hint);
 *   S2  else all channels are locked in the order of their addresses, and each case is tried again, in any order;
 *   S3  if none succeeds, a waiter for each case is pushed, all with one ticket, and the fiber parks. After the switch
 *       whoever runs next on this stack's worker arms the deadline, and releases the locks; after the last release the
 *       frame may be gone;
 *   S4  a partner pops waiters until a claim wins, moves the value, unlocks, and makes the fiber ready;
 *   S5  the woken one disarms its deadline, withdraws all waiters but the winner, each under its channel's lock, and
 *       returns: its frame is gone.
 * What is done under a channel's lock and touches nothing else is one step.
 *
 * Checked: every access to a frame of another finds it alive; nobody is woken twice or while still on his stack; each
 * value is received at most once, and one that was sent is received or in the buffer; exactly one case is chosen, or
 * the time. Where nothing can happen any more no lock is held, nobody sleeps who has been claimed, has a deadline, or
 * waits at a channel beside somebody who matches, room, a value, or a close.
 *
 * Planted faults, each of which must be found: FAULT_NO_SECOND_LOOK (S2), FAULT_CASE_ORDER (S2 locks in the order of
 * the cases), FAULT_UNLOCK_BEFORE_SWITCH (S3), FAULT_CLAIM_ALWAYS_WINS, FAULT_TOUCH_AFTER_WAKE (S4 looks at the waiter
 * after it has made the fiber ready), FAULT_LOSER_STAYS, FAULT_NO_DISARM (S5).
 */

#ifndef CAP0
#define CAP0 0
#endif
#ifndef CAP1
#define CAP1 0
#endif
#ifdef RECEIVER
#define PARTIES 4
#else
#define PARTIES 3
#endif
#define TIMED 0
#define TIME 2 /* chosen by time; cases are 0 and 1 */
#define NONE 3

/* ---- who does what ----------------------------------------------------------------------------------------------- */

#define cases_of(p) (p < 2 -> 2 : 1)
#define chan_of(p, i) (p == 0 -> i : (p == 1 -> 1 - i : (p == 2 -> 0 : 1)))
#define sends(p, i) (p == 2 || (p < 2 && i == 0))
#define capacity(o) (o == 0 -> CAP0 : CAP1)

/* ---- channels ---------------------------------------------------------------------------------------------------- */

bit locked[2];
bit closed[2];
byte buffered[2]; /* 1 + whose value; a capacity is 1 at most */
/* Of channel o, those that send at o * 8, those that receive at o * 8 + 4; waiter i of party p is p * 2 + i. */
byte queue[16];
byte length[4]; /* at o * 2, and o * 2 + 1 */
#define line(o, s) (o * 2 + 1 - s)
#define slot(l, i) queue[(l) * 4 + i]

inline push(l, x) {
  assert(length[l] < 4);
  slot(l, length[l]) = x;
  length[l]++
}
inline remove_at(l, i) {
  length[l]--;
  if
  :: i < 1 -> slot(l, 0) = slot(l, 1)
  :: else
  fi;
  if
  :: i < 2 -> slot(l, 1) = slot(l, 2)
  :: else
  fi;
  if
  :: i < 3 -> slot(l, 2) = slot(l, 3)
  :: else
  fi;
  slot(l, 3) = 0
}
#define at(l, i, x) (length[l] > i && slot(l, i) == x)
#define queued(l, x) (at(l, 0, x) || at(l, 1, x) || at(l, 2, x) || at(l, 3, x))
inline remove(l, x) {
  if
  :: at(l, 0, x) -> remove_at(l, 0)
  :: at(l, 1, x) -> remove_at(l, 1)
  :: at(l, 2, x) -> remove_at(l, 2)
  :: at(l, 3, x) -> remove_at(l, 3)
  :: else
  fi
}

/* ---- frames and records ------------------------------------------------------------------------------------------ */

bit alive[PARTIES];
bit claimed[PARTIES];
byte winner[PARTIES] = NONE;
bit on_stack[PARTIES] = 1;
bit leaving[PARTIES]; /* the second half of S3 is to be done */
bit is_ready[PARTIES];
bit returned[PARTIES];
byte received[PARTIES]; /* how often the value of this one was */
byte sent[PARTIES];
bit armed; /* fiber TIMED's deadline is in the heap */

inline claim(p, how, won) {
  assert(alive[p]);
#ifndef FAULT_CLAIM_ALWAYS_WINS
  won = !claimed[p];
#else
  won = 1;
#endif
  claimed[p] = 1;
  if
  :: won -> winner[p] = how
  :: else
  fi
}

inline ready(p) {
  d_step {
    assert(!on_stack[p] && !is_ready[p]);
    is_ready[p] = 1
  }
}

inline claim_first(l) {
  won = 0;
  do
  :: !won && length[l] > 0 ->
    x = slot(l, 0);
    remove_at(l, 0);
    claim((x / 2), (x % 2), won)
  :: else -> break
  od
}

inline deliver(value) {
  assert(value > 0 && received[value - 1] == 0);
  received[value - 1]++
}

/* attempt(), under the lock of o, for whoever sends or receives there; inside d_step. */
inline attempt(o, s) {
  done = 0;
  wakes = NONE + 1;
  if
  :: s && closed[o] -> done = 1
  :: s && !closed[o] ->
    claim_first(line(o, 0));
    if
    :: won ->
      sent[me]++;
      deliver(me + 1);
      wakes = x / 2;
      done = 1
    :: !won && capacity(o) > 0 && buffered[o] == 0 ->
      sent[me]++;
      buffered[o] = me + 1;
      done = 1
    :: else
    fi
  :: !s ->
    if
    :: buffered[o] > 0 ->
      deliver(buffered[o]);
      buffered[o] = 0;
      done = 1
    :: else
    fi;
    claim_first(line(o, 1));
    if
    :: won && done ->
      sent[x / 2]++;
      buffered[o] = x / 2 + 1;
      wakes = x / 2
    :: won && !done ->
      sent[x / 2]++;
      deliver(x / 2 + 1);
      wakes = x / 2;
      done = 1
    :: !won && closed[o] -> done = 1
    :: else
    fi
  fi;
  won = 0;
  x = 0
}

inline wake() {
  if
  :: wakes <= NONE ->
    ready(wakes);
#ifdef FAULT_TOUCH_AFTER_WAKE
    assert(alive[wakes]);
#endif
    wakes = NONE + 1
  :: else
  fi
}

/* ---- a select ---------------------------------------------------------------------------------------------------- */

#define o_of(i) (chan_of(me, i))
#define both (cases_of(me) == 2)

inline try_alone(i) {
  atomic { !locked[o_of(i)] -> locked[o_of(i)] = 1 };
  d_step { attempt(o_of(i), sends(me, i)) };
  locked[o_of(i)] = 0;
  wake();
  if
  :: done -> goto chosen
  :: else
  fi
}

inline lock(o) {
  atomic { !locked[o] -> locked[o] = 1 }
}

inline unlock_all() {
  if
  :: both ->
    locked[0] = 0;
    locked[1] = 0
  :: else -> locked[o_of(0)] = 0
  fi
}

inline withdraw(i) {
  if
  :: winner[me] != i ->
    lock(o_of(i));
    d_step {
      remove(line(o_of(i), sends(me, i)), (me * 2 + i));
      locked[o_of(i)] = 0
    }
  :: else
  fi
}

proctype party(byte me) {
  byte x, wakes = NONE + 1;
  bit won, done;

  if /* S1 */
  :: skip
  :: try_alone(0)
  :: both -> try_alone(1)
  fi;
  if /* S2 */
  :: both ->
#ifndef FAULT_CASE_ORDER
    lock(0);
    lock(1)
#else
    lock(o_of(0));
    lock(o_of(1))
#endif
  :: else -> lock(o_of(0))
  fi;
#ifndef FAULT_NO_SECOND_LOOK
  if
  :: true ->
    d_step { attempt(o_of(0), sends(me, 0)) };
    if
    :: !done && both -> d_step { attempt(o_of(1), sends(me, 1)) }
    :: else
    fi
  :: both ->
    d_step { attempt(o_of(1), sends(me, 1)) };
    if
    :: !done -> d_step { attempt(o_of(0), sends(me, 0)) }
    :: else
    fi
  fi;
  if
  :: done ->
    unlock_all();
    wake();
    goto chosen
  :: else
  fi;
#endif
  d_step { /* S3 */
    alive[me] = 1;
    push(line(o_of(0), sends(me, 0)), (me * 2));
    if
    :: both -> push(line(o_of(1), sends(me, 1)), (me * 2 + 1))
    :: else
    fi
  };
#ifdef FAULT_UNLOCK_BEFORE_SWITCH
  unlock_all();
#endif
  d_step {
    on_stack[me] = 0;
    leaving[me] = 1
  };
end_parked:
  d_step {
    is_ready[me] ->
    is_ready[me] = 0;
    assert(!on_stack[me]);
    on_stack[me] = 1;
    assert(claimed[me] && winner[me] != NONE)
  };
#ifndef FAULT_NO_DISARM
  if
  :: me == TIMED -> armed = 0 /* S5 */
  :: else
  fi;
#endif
#ifndef FAULT_LOSER_STAYS
  withdraw(0);
  if
  :: both -> withdraw(1)
  :: else
  fi;
#endif
  alive[me] = 0;
chosen:
  atomic {
    returned[me] = 1;
    done = 0;
    assert(sent[me] <= 1)
  }
}

/* Whoever runs next on the worker: the second half of S3. */
proctype next_on_worker(byte me) {
end_nobody_leaves:
  leaving[me];
  d_step {
    assert(alive[me]);
    if
    :: me == TIMED -> armed = 1
    :: else
    fi
  };
#ifndef FAULT_UNLOCK_BEFORE_SWITCH
  if
  :: both ->
    locked[0] = 0;
    assert(alive[me]); /* which is the next, and S5 of the one that is woken now needs that lock */
    locked[1] = 0
  :: else -> locked[o_of(0)] = 0
  fi;
#endif
  leaving[me] = 0
}

proctype clock() {
  bit won;
end_clock:
  do
  :: d_step {
      armed ->
      armed = 0;
      claim(TIMED, TIME, won)
    };
    if
    :: won -> ready(TIMED)
    :: else
    fi
  od
}

proctype closer() {
#ifdef CLOSE
  byte x, wakes[4], n;
  bit won;
  if
  :: skip ->
    lock(1);
    d_step {
      closed[1] = 1;
      do
      :: length[2] > 0 || length[3] > 0 ->
        if
        :: length[2] > 0 -> claim_first(2)
        :: else -> claim_first(3)
        fi;
        if
        :: won ->
          wakes[n] = x / 2;
          n++
        :: else
        fi
      :: else -> break
      od;
      x = 0;
      won = 0
    };
    locked[1] = 0;
    do
    :: n > 0 ->
      n--;
      ready(wakes[n])
    :: else -> break
    od
  :: skip
  fi
#endif
  skip
}

/* ---- where nothing can happen any more --------------------------------------------------------------------------- */

#define meets(o) (length[line(o, 0)] > 0 && length[line(o, 1)] > 0)
#define as_it_should(o) \
  (!locked[o] && !meets(o) && !(closed[o] && (length[line(o, 0)] > 0 || length[line(o, 1)] > 0)) && \
   !(buffered[o] > 0 && length[line(o, 0)] > 0) && !(capacity(o) > 0 && buffered[o] == 0 && length[line(o, 1)] > 0))
#define sleeps_or_ended(p) (returned[p] || (alive[p] && !on_stack[p] && !claimed[p] && p != TIMED))
#define accounted(p) (sent[p] == received[p] + (buffered[0] == p + 1 -> 1 : 0) + (buffered[1] == p + 1 -> 1 : 0))

proctype quiescent() {
  atomic {
    timeout ->
    assert(as_it_should(0) && as_it_should(1));
    assert(sleeps_or_ended(0) && sleeps_or_ended(1) && sleeps_or_ended(2));
    assert(accounted(0) && accounted(1) && accounted(2));
#ifdef RECEIVER
    assert(sleeps_or_ended(3) && accounted(3));
#endif
    assert(!armed)
  }
}

init {
  atomic {
    run party(0);
    run party(1);
    run party(2);
    run next_on_worker(0);
    run next_on_worker(1);
    run next_on_worker(2);
#ifdef RECEIVER
    run party(3);
    run next_on_worker(3);
#endif
    run clock();
    run closer();
    run quiescent()
  }
}
