/* poller: the idle worker that has the watch blocks in the kernel's poller instead of on its word, and no event,
 * wake-up, timer or stop is lost by that.
 *
 * Mirrors class sleeper (lib/sched/sleeper.hpp: begin_polling, end_polling, wake) and the role of class poller
 * (lib/event/poller.hpp: take_role, give_up_role, take_role_away), as events.cpp uses them.
 *
 * Goes with idle.pml, whose steps I1 to I7 are here too, as far as they meet the poller (lib/sched: idle_set.hpp,
 * watch.cpp, find_work.cpp); the store buffer, thieves and the one that stands by (it sleeps on its word) are only
 * there. What the role, its epoch and the interrupt have to do stands here, for lib/event and lib/sched.
 *
 * Who takes part: WORKERS workers, FIBERS fibers alike (parked, in a queue, behind an event or the timer, or run), 1
 * timer, the kernel with its events, 1 plain thread that readies fibers and arms the timer, the monitor, and with
 * -DSTOP somebody who may stop everything. A fiber parks, yields, readies another, or never gives its worker back; a
 * handler returns or never does. How often events come (EVENTS), the plain thread acts (PUSHES), fibers keep their
 * worker for ever (HOGS) and the monitor takes the role away (TAKEOVERS) is bounded.
 *
 * One word holds the role: (epoch, state), state being vacant, polling or handling. Each worker sleeps on a word of its
 * own, as before: 0, woken, and now also `blocked`, in the poller. The steps:
 *   E1  the worker that has the watch takes the role if it is vacant: (e, vacant) becomes (e, polling). If it is not,
 *       it sleeps on its word as a lookout does, a step at most, and tries again;
 *   E2  with the role it may stop stepping (I6): without the role it must not, however long all have been idle. Having
 *       stopped it looks again (I2), and as workers that somebody stands in for do not count as running, but may have
 *       pushed, also at the others' queues; then it reads the earliest timer;
 *   E3  its word 0 becomes `blocked`, by compare-exchange: if it has been woken it does not block, and goes to E7;
 *   E4  it blocks: until there are events, an interrupt, the end of its step or the timer;
 *   E5  back, it drains the eventfd, if that was what it saw, and its word `blocked` becomes 0, unless it is `woken`;
 *   E6  if there are events (handlers to run): first of all it leaves the set. If somebody has taken it out, it waits
 *       for its word and counts as searching no longer. If somebody is idle and nobody watches, it wakes one (I7). Only
 *       then (e, polling) becomes (e, handling), a plain store, the handlers run, and what they readied is pushed;
 *   E7  it gives the role up. From (e, polling) by a plain store, since nobody takes it from one that polls; from
 *       (e, handling) by compare-exchange to (e, vacant), or to (e, polling) to poll once more. If that fails the role
 *       is somebody else's: the worker polls no more and releases nothing. It never has the role while it searches,
 *       runs a fiber, or sleeps on its word;
 *   E8  who has taken a worker out of the set exchanges its word for `woken`, and if that was `blocked` it writes the
 *       eventfd, else it wakes the futex. A write that comes late makes the next poller come back once for nothing;
 *   E9  the monitor, when the role has been at (e, handling) for long: by compare-exchange (e + 1, vacant). It need
 *       wake nobody: because of I7 in E6 a worker that is idle has the watch, and tries again within a step (E1);
 *   E10 a worker that runs takes the role at every 61st switch if it is vacant, polls without blocking, and then E6
 *       from (e, handling) on, and E7.
 * A plain thread that arms a timer looks at the set afterwards, as after a push. Stop sets its flag and then takes all
 * out of the set (E8); who enters the set later sees the flag in I2.
 *
 * Checked: where nothing can happen any more, and a worker is left that is in no endless fiber or handler, no event, no
 * fiber and no timer waits, and a worker is blocked in the poller with the role; after a stop all of them stand still
 * and the role is vacant. Never are two workers blocked in the poller; nobody polls or releases without owning the
 * role. With -DNP and fairness: an event is handled in the end, also where nobody is idle and fibers yield for ever.
 *
 * Two variants hold as well: -DDRAIN_LAST (E5 looks at the word before it drains), and -DLATE_I7 (in E6 it wakes
 * another only if it had been taken out itself; then the monitor must wake one in E9 if somebody is idle and nobody
 * watches).
 *
 * Planted faults, each of which must be found: FAULT_NO_INTERRUPT (E8 wakes the futex only), FAULT_LOOK_THEN_MARK (E3
 * looks, then stores), FAULT_NO_RECHECK (no I2, nor in E2: each alone suffices), FAULT_ROLE_KEPT (a worker that is
 * woken keeps the role), FAULT_RELEASE_UNCHECKED, FAULT_POLL_ON (E7 from a handler by plain stores), FAULT_NO_EPOCH (E7
 * compares the state only), FAULT_TAKEN_WHILE_POLLING (E9 looks at "handling", then stores), FAULT_NO_TAKEOVER (no E9),
 * FAULT_DEEP_WITHOUT_ROLE, FAULT_BLIND_FOR_STUCK (E2 does not look at the others' queues), FAULT_HANDLER_IN_SET,
 * FAULT_SEARCHING_IN_HANDLER, FAULT_NO_I7 (these three in E6), FAULT_TIMER_SILENT (the plain thread arms it and tells
 * nobody); with LATE_I7 FAULT_TAKEOVER_SILENT; with STOP FAULT_STOP_SILENT (stop wakes only who sleeps on its word);
 * with NP FAULT_NO_BUSY_LOOK (no E10).
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef FIBERS
#define FIBERS 2
#endif
#ifndef EVENTS
#define EVENTS 1
#endif
#ifndef PUSHES
#define PUSHES 1
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1
#endif
#ifndef HOGS /* fibers that never give their worker back */
#define HOGS 1
#endif
#define NOBODY 7

#if WORKERS > 2
#define any_worker(is) (is(0) || is(1) || is(2))
#define sum(of) (of[0] + of[1] + of[2])
#else
#define any_worker(is) (is(0) || is(1))
#define sum(of) (of[0] + of[1])
#endif

/* ---- what can be run --------------------------------------------------------------------------------------------- */

#ifndef NP
byte parked = FIBERS;
byte global_queue;
#else
byte parked = 1; /* one for the event, the others may keep all workers busy */
byte global_queue = FIBERS - 1;
#endif
byte queue[WORKERS];

mtype = { unarmed, armed, due };
mtype timer = unarmed;

/* ---- the kernel, and the role ------------------------------------------------------------------------------------ */

byte events;  /* each readies a fiber when it is handled */
bit eventfd;
byte blocked_one = NOBODY; /* in the poller */

mtype = { vacant, polling, handling };
mtype role = vacant;
byte epoch;           /* how often the role was taken away */
byte owner = NOBODY;  /* by the account of the model */

/* ---- idle_set, and what each worker sleeps on -------------------------------------------------------------------- */

bit in_set[WORKERS];
byte count;
byte watch = NOBODY;
bit watching;  /* published: it steps */
byte searching;
mtype = { none, blocked, woken };
mtype word[WORKERS] = none;
bit to_search[WORKERS];
mtype = { untimed, later, passed };
mtype until = untimed; /* of the one that is blocked */
bit stop;

/* For the end. */
bit hog[WORKERS];   /* in an endless fiber or handler */
bit stuck[WORKERS]; /* lost the role to the monitor, which does not count it as working any more */
bit stands[WORKERS];
byte hogs;

#define all_idle (count + sum(stuck) >= WORKERS)
#define unwatched (count > 0 && !watching)

inline enter() {
  in_set[me] = 1;
  count++;
  if
  :: watch == NOBODY ->
    watch = me;
    watching = 1
  :: else
  fi
}

inline take_out(w) {
  in_set[w] = 0;
  count--;
  if
  :: watch == w ->
    watch = NOBODY;
    watching = 0
  :: else
  fi
}

#define may_be_taken(w) (in_set[w] && (watch != w || count == 1))
inline take_any(chosen) {
  if
  :: watch != NOBODY && !watching -> chosen = watch
  :: else ->
    if
    :: may_be_taken(0) -> chosen = 0
    :: may_be_taken(1) -> chosen = 1
#if WORKERS > 2
    :: may_be_taken(2) -> chosen = 2
#endif
    :: else -> chosen = NOBODY
    fi
  fi;
  if
  :: chosen != NOBODY -> take_out(chosen)
  :: else
  fi
}

/* E8, for the worker v. */
inline wake(v, search) {
  atomic {
    if
    :: v != NOBODY ->
      searching = searching + search;
      to_search[v] = search;
#if defined(FAULT_NO_INTERRUPT)
      need = 0;
#elif defined(FAULT_STOP_SILENT)
      need = (word[v] == blocked && search);
#else
      need = (word[v] == blocked);
#endif
      word[v] = woken
    :: else
    fi;
    v = 0
  };
  if
  :: need ->
    d_step {
      need = 0;
      eventfd = 1
    }
  :: else
  fi
}

/* wake_one(), if it was needed. */
inline wake_somebody() {
  if
  :: need ->
    atomic {
      need = 0;
      take_any(v)
    };
    wake(v, 1)
  :: else
  fi
}

/* ---- the world --------------------------------------------------------------------------------------------------- */

proctype kernel() {
  byte n;
end_kernel:
  do
  :: atomic {
      parked > 0 && n < EVENTS ->
      n++;
      parked--;
      events++
    }
  :: break
  od
}

proctype plain_thread() {
  byte v, n;
  bit need, arms;
end_plain:
  do
  :: atomic {
      parked > 0 && n < PUSHES ->
      n++;
      parked--;
      if
      :: global_queue++
      :: timer == unarmed ->
        timer = armed;
        arms = 1
      fi
    };
    need = (count > 0 && searching == 0);
#ifdef FAULT_TIMER_SILENT
    if
    :: arms -> need = 0
    :: else
    fi;
#endif
    arms = 0;
    wake_somebody()
  :: break
  od
}

proctype clock() {
end_clock:
  do
  :: d_step {
      timer == armed -> timer = due;
      if
      :: until == later -> until = passed
      :: else
      fi
    }
  od
}

proctype monitor() {
  byte v;
  bit need;
end_monitor:
#ifndef FAULT_NO_TAKEOVER
  do /* E9 */
#ifndef FAULT_TAKEN_WHILE_POLLING
  :: atomic {
      role == handling && epoch < TAKEOVERS ->
#else
  :: role == handling && epoch < TAKEOVERS;
    atomic {
      if
      :: role == vacant -> goto end_monitor
      :: else
      fi;
#endif
      stuck[owner] = 1;
      epoch++;
      role = vacant;
      owner = NOBODY
    };
#if defined(LATE_I7) && !defined(FAULT_TAKEOVER_SILENT)
    need = (unwatched && searching == 0);
    wake_somebody()
#endif
  od
#else
  false
#endif
}

proctype stopper() {
  byte v;
  bit need;
end_stopper:
#ifdef STOP
  if
  :: stop = 1
  :: goto done
  fi;
  do
  :: atomic { count > 0 -> take_any(v) };
    wake(v, 0)
  :: else -> break
  od;
done:
#endif
  skip
}

/* ---- a worker ---------------------------------------------------------------------------------------------------- */

#ifdef NP
bit runs_one[WORKERS]; /* A step is longer than a worker that runs nothing takes to pick the next. */
#define has_some(w) (w != me && runs_one[w] && queue[w] > 0)
#define runs(yes) runs_one[me] = yes
#else
#define has_some(w) (w != me && queue[w] > 0)
#define runs(yes) skip
#endif
#define something_for_me (global_queue > 0 || timer == due || stop)
#define something_to_see (any_worker(has_some) || something_for_me)

inline stop_searching() {
  searching = searching - searches;
  searches = 0
}

/* push_next() or push_back(), and wake_if_needed(): see idle.pml for what tells nobody. */
inline push_own() {
  d_step {
    queue[me]++;
    need = (unwatched && searching == 0)
  };
  wake_somebody()
}

inline take_role() {
  role = polling;
  owner = me;
  mine = epoch
}

/* From (e, polling): by a plain store. */
inline give_up_role() {
#ifndef FAULT_ROLE_KEPT
  atomic {
    assert(role == polling && owner == me);
    role = vacant;
    owner = NOBODY;
    mine = 0
  }
#else
  skip
#endif
}

#ifndef FAULT_NO_EPOCH
#define role_is_mine (role == handling && epoch == mine)
#else
#define role_is_mine (role == handling)
#endif

proctype worker(byte me) {
  bit searches; /* searching_ */
  bit fresh;    /* comes out of the idle path */
  bit need, deep, interrupted;
  byte v, mine, handled;

find:
  atomic {
    runs(0);
    if
    :: stop -> goto stand_still
    :: !stop && queue[me] > 0 ->
      queue[me]--;
      goto coming
    :: else
    fi;
    if
    :: timer == due -> timer = unarmed
    :: else -> goto look_further
    fi
  };
  push_own();
  goto find;
look_further:
  atomic {
    if
    :: global_queue > 0 ->
      global_queue--;
      goto coming
    :: else
    fi
  };
  d_step { stop_searching() };
I1:
  d_step {
    word[me] = none;
    fresh = 1;
    enter()
  };
#ifndef FAULT_NO_RECHECK
I2:
  atomic {
    if
    :: something_for_me ->
      if /* I3 */
      :: in_set[me] ->
        take_out(me);
        goto find
      :: else -> goto taken_out
      fi
    :: else
    fi
  };
#endif
without_watch: /* I4 */
  atomic {
    if
    :: !in_set[me] -> goto taken_out
    :: in_set[me] && watch == NOBODY ->
      watch = me;
      watching = 1;
      goto E1
    :: in_set[me] && watch == me -> goto E1
    :: else
    fi
  };
taken_out:
end_sleep:
  atomic {
    word[me] == woken ->
woken_up:
    searches = to_search[me];
    to_search[me] = 0;
    goto find
  };

E1:
end_E1: /* a lookout without the role: its step ends, or it is woken */
  atomic {
    if
    :: role == vacant -> take_role()
    :: word[me] == woken -> goto woken_up
    :: something_to_see -> goto I5
#ifdef FAULT_DEEP_WITHOUT_ROLE
    :: role != vacant -> goto deep_without_role
#endif
    fi
  };
E2:
  atomic {
    deep = 0;
    if
    :: all_idle -> /* I6: stop_stepping() */
      deep = 1;
      watching = 0
#ifndef NP
    :: true
#else
    :: !all_idle
#endif
    fi
  };
#ifndef FAULT_NO_RECHECK
  if
  :: deep ->
    atomic {
      if
#ifndef FAULT_BLIND_FOR_STUCK
      :: something_to_see ->
#else
      :: something_for_me ->
#endif
        deep = 0;
        goto I5_with_role
      :: else
      fi
    }
  :: else
  fi;
#endif
  atomic {
    if
    :: deep && timer == armed -> until = later
    :: deep && timer == due -> until = passed
    :: else -> until = untimed
    fi
  };
E3:
#ifdef FAULT_LOOK_THEN_MARK
  word[me] != woken;
#endif
  atomic {
#ifndef FAULT_LOOK_THEN_MARK
    if
    :: word[me] == woken ->
      until = untimed;
      deep = 0;
      goto E7
    :: else -> word[me] = blocked
    fi;
#else
    word[me] = blocked;
#endif
    assert(blocked_one == NOBODY && role == polling && owner == me && epoch == mine);
    blocked_one = me
  };
end_E4:
  atomic {
    events > 0 || eventfd || (!deep && (something_to_see || all_idle)) || until == passed ->
    blocked_one = NOBODY;
    until = untimed;
    interrupted = eventfd;
    handled = events; /* it has them now */
    events = 0
  };
E5:
#ifndef DRAIN_LAST
  if
  :: interrupted ->
    d_step {
      eventfd = 0;
      interrupted = 0
    }
  :: else
  fi;
#endif
  atomic {
    if
    :: word[me] == blocked -> word[me] = none
    :: else
    fi
  };
#ifdef DRAIN_LAST
  if
  :: interrupted ->
    d_step {
      eventfd = 0;
      interrupted = 0
    }
  :: else
  fi;
#endif
  atomic {
    if
    :: handled > 0 ->
      deep = 0;
      goto E6
    :: handled == 0 && word[me] == woken ->
      deep = 0;
      goto E7
    :: handled == 0 && word[me] != woken && something_to_see ->
      deep = 0;
      goto I5_with_role
    :: else
    fi
  };
  atomic { /* go_on_stepping() */
    if
    :: watch == me -> watching = 1
    :: else
    fi;
    deep = 0;
    goto E2
  };

#ifdef FAULT_DEEP_WITHOUT_ROLE
deep_without_role:
  atomic {
    if
    :: all_idle ->
      watching = 0;
      goto taken_out
    :: else -> goto E1
    fi
  };
#endif
E7: /* woken, with the role */
  give_up_role();
  goto taken_out;

I5_with_role:
  give_up_role();
I5:
  atomic {
    if
    :: in_set[me] -> take_out(me)
    :: else -> goto taken_out
    fi
  };
  d_step {
    if
    :: has_some(0) ->
      queue[0]--;
      queue[me]++
    :: !has_some(0) && has_some(1) ->
      queue[1]--;
      queue[me]++
#if WORKERS > 2
    :: !has_some(0) && !has_some(1) && has_some(2) ->
      queue[2]--;
      queue[me]++
#endif
    :: else
    fi
  };
  goto find;

E6:
#ifndef FAULT_HANDLER_IN_SET
  atomic {
    if
    :: in_set[me] -> take_out(me)
    :: else -> /* leave() has failed: who took it out is about to set its word */
      word[me] == woken;
      searches = to_search[me];
      to_search[me] = 0;
#ifdef LATE_I7
      need = 1
#endif
    fi
  };
#ifndef FAULT_SEARCHING_IN_HANDLER
  d_step { stop_searching() };
#endif
#ifdef LATE_I7
  need = (need && unwatched && searching == 0);
#elif !defined(FAULT_NO_I7)
  d_step {
    need = (unwatched && searching == 0);
    fresh = 0
  };
#endif
  wake_somebody();
#endif
  atomic {
    assert(role == polling && owner == me && epoch == mine);
    role = handling;
    runs(1)
  };
handlers:
  do
  :: handled > 0 ->
    handled--;
    if
    :: skip
    :: epoch < TAKEOVERS || stuck[me] ->
      hog[me] = 1;
end_in_handler:
      false
    fi;
    push_own()
  :: else -> break
  od;
  atomic { /* E7 */
    if
#if defined(FAULT_RELEASE_UNCHECKED)
    :: true ->
#else
    :: role_is_mine ->
#endif
      assert(owner == me);
      role = vacant;
      owner = NOBODY;
      goto after_poll
#ifdef FAULT_POLL_ON
    :: true ->
#else
    :: role_is_mine ->
#endif
      assert(owner == me);
      role = polling
#ifndef FAULT_RELEASE_UNCHECKED
    :: !role_is_mine ->
      stuck[me] = 0;
      goto after_poll
#endif
    fi
  };
poll:
  atomic {
    assert(role == polling && owner == me && epoch == mine && blocked_one == NOBODY);
    if
    :: events > 0 ->
      handled = events;
      events = 0;
      role = handling;
      goto handlers
    :: else
    fi
  };
  atomic {
    assert(role == polling && owner == me);
    role = vacant;
    owner = NOBODY;
    mine = 0;
    goto find
  };
after_poll:
#ifdef FAULT_HANDLER_IN_SET
  atomic {
    if
    :: fresh && in_set[me] -> take_out(me)
    :: fresh && !in_set[me] -> goto taken_out
    :: else
    fi
  };
#endif
  atomic {
    mine = 0;
    goto find
  };

coming:
  atomic {
    runs(1);
    stop_searching();
    need = (fresh && unwatched && searching == 0); /* I7 */
    fresh = 0
  };
  wake_somebody();
running:
  atomic {
    if
    :: parked++ /* parks */
    :: queue[me]++ /* yields, and tells nobody */
    :: parked > 0 ->
      parked--;
      goto readies
    :: hogs < HOGS ->
      hogs++;
      hog[me] = 1;
      goto end_in_fiber
    fi;
#ifndef FAULT_NO_BUSY_LOOK
    if
    :: role == vacant -> /* E10 */
      take_role();
      goto poll
#ifndef NP
    :: goto find
#else
    :: role != vacant -> goto find
#endif
    fi
#else
    goto find
#endif
  };
readies:
  push_own();
  goto running;
end_in_fiber:
  false;

stand_still:
  atomic {
    stop_searching();
    stands[me] = 1
  };
end_standing:
  false
}

/* ---- where nothing can happen any more --------------------------------------------------------------------------- */

#define nothing_waits (events == 0 && global_queue == 0 && timer != due && sum(queue) == 0)

proctype quiescent() {
  atomic {
    timeout ->
    assert(stop || sum(hog) == WORKERS || nothing_waits);
    assert(stop || sum(hog) == WORKERS || (blocked_one != NOBODY && role == polling && owner == blocked_one));
    assert(stop || count == WORKERS - sum(hog));
    assert(!stop || sum(stands) == WORKERS - sum(hog));
    assert(!stop || role == vacant);
    assert(searching == 0)
  }
}

#ifdef NP
proctype patient() {
progress_none:
  events > 0;
  events == 0;
  goto progress_none
}
#endif

init {
  atomic {
    run worker(0);
    run worker(1);
#if WORKERS > 2
    run worker(2);
#endif
    run kernel();
    run plain_thread();
    run clock();
    run monitor();
#ifndef NP
    run stopper();
    run quiescent()
#else
    run patient()
#endif
  }
}
