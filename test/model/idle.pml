/* idle: going idle, keeping watch and being woken, so that nothing runnable waits while a worker sleeps.
 *
 * Mirrors class idle_set (lib/sched/idle_set.hpp, I1 to I7), and what uses it: ready_queues (a worker's queues, their
 * thieves, and the view by which the lookout sees what has waited), sleeper (a worker's word: begin, sleep_until, wake),
 * watch.cpp (the watch), worker.cpp and find_work.cpp (pushing, searching, coming out of the idle path), scheduler.cpp
 * (wake_one, push_from_outside). How a fiber parks and is claimed is wait.pml; here a fiber is one of FIBERS alike:
 * parked, in a queue, in the timer, or run by a worker.
 *
 * Who takes part: WORKERS workers (2; 3 in a second check), 3 fibers, 1 timer, 1 plain thread. What a fiber does when
 * it runs is open: it parks, yields, sleeps on the timer, readies a parked fiber, or never gives its worker back (a
 * hog). The plain thread readies parked fibers from outside. All may go on for ever, the states are finite all the
 * same; with 3 workers they are too many, and the check bounds how often the plain thread pushes (PUSHES) or the timer
 * is armed (TIMER_USES).
 *
 * The steps:
 *   I1  a worker that finds nothing enters the idle set, and takes the watch if it is free;
 *   I2  then it looks once more at the global queue and at the timers (not at the other workers' queues: where another
 *       worker runs, somebody watches);
 *   I3  if it finds something it leaves the set, unless somebody has taken it out already, to wake it;
 *   I4  otherwise it sleeps on its own word: without the watch until it is woken. Before it sleeps it looks, in one
 *       step (take_post), whether it is still in the set, whether the watch has become free, and whether it is to
 *       stand by: then it sleeps until a moment after the earliest timer, and looks again;
 *   I5  with the watch, it is the lookout while some worker runs: it looks at each step, and leaves the set to take
 *       what waits: from another's queue or run-next, from the global queue, or a timer that is due;
 *   I6  when all are idle for long it stops stepping, does I2 again, and sleeps until the earliest timer or for good.
 *       From then on it is the first to be taken out and woken: another would come back and find the watch taken by
 *       one that sleeps;
 *   I7  a worker that comes out of the idle path (I3, I5, woken) and has found something to run looks at the set: if
 *       somebody is idle and nobody watches, it wakes one. So while a worker runs and another is idle, one watches or
 *       is about to: pushes may be left to it, those too that tell nobody (a yield, what comes with a batch).
 * A worker that pushes stores into its own queue and reads the idle state without a fence (the store may become
 * visible at any moment up to the next fence), and wakes somebody only if nobody watches or its runs are long. The
 * plain thread pushes to the global queue and then looks, with a full fence between. While a woken worker searches, no
 * other is woken; it has stopped searching before it enters the set (I1), for one that is in the set may find the
 * watch taken.
 *
 * Time is open: a timer may come due, a step end, the patience of I6 be over at any moment. Whether a thief takes a
 * short backlog is open too. What a sleeper or lookout does without effect (a step that sees nothing) is left out, so
 * that where nothing will ever happen again nothing can be executed: there `quiescent` looks whether something was
 * left. With -DNP and fairness: no worker searches and sleeps for ever without a fiber being run.
 *
 * -DSHORT_RUNS leaves out what long runs add (thieves, wakes though somebody watches). -DSILENT_PUSH holds too: what a
 * worker pushes is found in time though it tells nobody; its wake only saves the steps of the lookout.
 *
 * Planted faults, each of which must be found: FAULT_NO_RECHECK (no I2, nor in I6: each alone suffices),
 * FAULT_NO_FENCE (the plain thread looks before it pushes), FAULT_OUTSIDE_SILENT (nor does it wake), FAULT_UNWATCHED
 * (the set says that somebody watches when nobody does), FAULT_NO_LOOKOUT (the watch stops stepping though one runs,
 * and a push tells nobody), FAULT_NO_HAND_ON (no I7; only if timers are armed does a lookout that leaves wake
 * another), FAULT_STAND_BY_BLIND (standing by does not see that the watch has become free), FAULT_STAND_BY_OUTSIDE
 * (nor that the worker has been taken out). With 3 workers: FAULT_DEEP_WATCH_LAST (I6 without "first"),
 * FAULT_LATE_STOP (a worker that enters the set still counts as searching), FAULT_GO_ON_OUTSIDE (one that was taken
 * out in I6 goes on stepping).
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef FIBERS
#define FIBERS 3
#endif
#ifndef PUSHES
#define PUSHES UNBOUNDED
#endif
#ifndef TIMER_USES
#define TIMER_USES UNBOUNDED
#endif
#define UNBOUNDED 255
#define NOBODY 7

#define more(n, bound) (n < bound)
#define count_one(n, bound) n = n + (bound != UNBOUNDED)

/* ---- what can be run --------------------------------------------------------------------------------------------- */

byte parked = FIBERS;     /* nobody has readied them */
byte global_queue;        /* runtime::global */
bit run_next[WORKERS];    /* worker::run_next_ */
byte ready[WORKERS];      /* worker::ready_ and spawns_ */

mtype = { unarmed, armed, due };
mtype timer = unarmed;
byte timer_uses;

/* ---- idle_set, and what each worker sleeps on -------------------------------------------------------------------- */

mtype = { untimed, later, passed };

bit in_set[WORKERS];
byte count;
byte watch = NOBODY;
byte second = NOBODY;        /* stands by, */
mtype second_until = untimed;  /* until a moment after this */
bit watching;                /* published, as is count, in state_ */
byte searching;              /* runtime::searching */
bit word[WORKERS];
bit to_search[WORKERS];
bit asleep[WORKERS];
mtype until[WORKERS] = untimed;

#define unwatched (count > 0 && !watching)

/* Under the guard of the set each of these is one step; state_ is published in the same critical section. */

inline enter(w) {
  in_set[w] = 1;
  count++;
  if
  :: watch == NOBODY ->
    watch = w;
    watching = 1;
    has_watch = 1
  :: else
  fi
}

inline take_out(w) {
  in_set[w] = 0;
  count--;
  if
  :: second == w ->
    second = NOBODY;
    second_until = untimed;
    watching = watching && watch != NOBODY
  :: else
  fi;
  if
  :: watch == w ->
    watch = NOBODY;
#ifndef FAULT_UNWATCHED
    if /* will the one that stands by wake within a moment? */
    :: second_until != untimed -> watching = 1
    :: second_until != passed -> watching = 0
    fi
#endif
  :: else
  fi
}

inline take_watch() {
  watch = me;
  watching = 1;
  if
  :: second == me ->
    second = NOBODY;
    second_until = untimed
  :: else
  fi
}
#ifndef FAULT_STAND_BY_BLIND
#define TAKES true
#else
#define TAKES false
#endif

#define may_be_taken(w) (in_set[w] && (watch != w || count == 1))

inline take_any(chosen) {
  atomic {
    if
#ifndef FAULT_DEEP_WATCH_LAST
    :: watch != NOBODY && !watching -> chosen = watch /* I6 */
    :: else ->
#else
    :: true ->
#endif
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
}

inline wake_one() {
  need = (searching == 0);
  wake_somebody()
}
/* The rest of it, if that was so. */
inline wake_somebody() {
  if
  :: need ->
    need = 0;
    take_any(v);
    atomic {
      if
      :: v != NOBODY ->
        searching++;
        to_search[v] = 1;
        word[v] = 1
      :: else
      fi;
      v = 0
    }
  :: else
  fi
}

/* ---- the plain thread, and time ---------------------------------------------------------------------------------- */

proctype plain_thread() {
  byte v, pushes;
  bit need;
  do
  :: d_step {
      parked > 0 && more(pushes, PUSHES) ->
      count_one(pushes, PUSHES);
      parked--
    }; /* claimed: see wait.pml. Now push_from_outside(): */
#ifdef FAULT_NO_FENCE
    need = (count > 0 && searching == 0);
    global_queue++;
#else
    global_queue++;
    need = (count > 0 && searching == 0);
#endif
#ifdef FAULT_OUTSIDE_SILENT
    need = 0;
#endif
    if
    :: need -> wake_one()
    :: else
    fi
  :: break
  od
}

inline tick(u) {
  if
  :: u == later -> u = passed
  :: else
  fi
}

proctype clock() {
end_clock:
  do
  :: d_step {
      timer == armed -> timer = due;
      tick(second_until);
      tick(until[0]);
      tick(until[1]);
#if WORKERS > 2
      tick(until[2])
#endif
    }
  od
}

/* ---- a worker ---------------------------------------------------------------------------------------------------- */

inline make_visible(next) {
  d_step {
    buffered = 0;
    if
    :: next && !run_next[me] -> run_next[me] = 1
    :: else -> ready[me]++ /* behind the rest; so does what it displaces from run-next */
    fi
  }
}

/* push_next() or push_back(), then wake_if_needed(). */
inline push_own(next) {
  if
  :: make_visible(next)
  :: buffered = 1
  fi;
  atomic {
    if
#if !defined(FAULT_NO_LOOKOUT) && !defined(SILENT_PUSH)
    :: unwatched -> need = 1
#ifndef SHORT_RUNS
    :: count > 0 && watching -> need = 1 /* its runs are long */
#endif
    :: count == 0 || watching
#else
    :: true
#endif
    fi
  };
  if
  :: need && buffered -> make_visible(next)
  :: else
  fi;
  if
  :: need -> need = (searching == 0)
  :: else
  fi;
  if
  :: buffered -> make_visible(next) /* now at the latest: what follows is locked */
  :: else
  fi;
  wake_somebody()
}

/* Of its queue, rounded up; of three, two. */
inline steal_half(w) {
  if
  :: ready[w] > 2 ->
    ready[w] = ready[w] - 2;
    ready[me] = ready[me] + 2
  :: else ->
    ready[w]--;
    ready[me]++
  fi
}

inline steal_run_next(w) {
  run_next[w] = 0;
  ready[me]++
}

/* What a lookout sees: look_at_others(). */
#define has_some(w) (w != me && !asleep[w] && has_waited(w) && (run_next[w] || ready[w] > 0))
#ifdef NP
bit running_one[WORKERS]; /* A step is longer than a worker that runs nothing takes to pick the next. */
#define has_waited(w) running_one[w]
#define runs(yes) running_one[me] = yes
#else
#define has_waited(w) true
#define runs(yes) skip
#endif
#if WORKERS > 2
#define another_has_some (has_some(0) || has_some(1) || has_some(2))
#else
#define another_has_some (has_some(0) || has_some(1))
#endif
#define something_to_see (another_has_some || global_queue > 0 || timer == due)

inline set_until_earliest_timer(u) {
  if
  :: timer == unarmed -> u = untimed
  :: timer == armed -> u = later
  :: timer == due -> u = passed
  fi
}

/* A fiber has been picked; inside atomic. */
inline go_to_run() {
  if
  :: fresh || searches -> goto coming
  :: else -> goto running
  fi
}

/* A worker's own queue and run-next are empty from the end of its search until it has left the set; nobody reads
 * asleep[me] for anything else. That is why some steps of it are one here. */
proctype worker(byte me) {
  bit searches;  /* searching_ */
  bit fresh;     /* comes out of the idle path */
  bit buffered, need, has_watch;
  byte v;

find: /* pick_local(), then expire_timers(), steal_somewhere(), from_global() */
  atomic {
    if
    :: run_next[me] ->
      run_next[me] = 0;
      go_to_run()
    :: !run_next[me] && ready[me] > 0 ->
      ready[me]--;
      go_to_run()
    :: else
    fi;
    if
    :: timer == due -> timer = unarmed
    :: else -> goto look_around
    fi
  };
  push_own(0);
  goto find;
look_around:
  atomic {
    if
#ifndef SHORT_RUNS
    :: me != 0 && ready[0] > 0 ->
      steal_half(0);
      goto find
    :: me != 1 && ready[1] > 0 ->
      steal_half(1);
      goto find
#if WORKERS > 2
    :: me != 2 && ready[2] > 0 ->
      steal_half(2);
      goto find
#endif
#endif
    :: true /* nothing, or it is not worth it */
    fi;
    if
    :: global_queue > 0 ->
      global_queue--; /* to run */
      do              /* and perhaps more, of which nobody is told */
      :: global_queue > 0 ->
        global_queue--;
        ready[me]++
      :: break
      od;
      go_to_run()
    :: else
    fi
  };

#ifndef FAULT_LATE_STOP
  d_step {
    searching = searching - searches; /* stop_searching() */
    searches = 0
  };
#endif
I1: /* idle() */
  d_step {
    word[me] = 0;
    fresh = 1;
    enter(me)
  };
#ifdef FAULT_LATE_STOP
  d_step {
    searching = searching - searches;
    searches = 0
  };
#endif
I2:
#ifndef FAULT_NO_RECHECK
  atomic {
    asleep[me] = 1;
    if
    :: global_queue > 0 -> goto I3
    :: else
    fi
  };
  atomic {
    if
    :: timer == due -> goto I3
    :: else
    fi
  };
#else
  asleep[me] = 1;
#endif
  if
  :: has_watch -> goto keep_watch
  :: else -> goto without_watch
  fi;
I3:
  atomic {
    if
    :: in_set[me] ->
      take_out(me);
      goto out
    :: else -> goto taken_out
    fi
  };

without_watch: /* I4: sleep_off_watch(); this step is take_post() */
  atomic {
    if
#ifndef FAULT_STAND_BY_OUTSIDE
    :: !in_set[me] -> goto taken_out
#endif
    :: else
    fi;
    if
    :: watch == NOBODY && TAKES ->
      take_watch();
      goto keep_watch
    :: watch != me && !(watch == NOBODY && TAKES) && (second == NOBODY || second == me) ->
      second = me;
      set_until_earliest_timer(second_until);
      until[me] = second_until
    :: else -> until[me] = untimed
    fi
  };
end_without_watch:
  atomic {
    if
    :: word[me] -> goto woken
    :: until[me] == passed && (watch == NOBODY || timer != due) -> /* else it would sleep again, the same way */
      if
      :: !TAKES && watch == NOBODY && second == me -> take_watch()
      :: else -> goto without_watch
      fi
    fi
  };

keep_watch:
end_keep_watch:
  atomic {
    if
    :: word[me] -> goto woken
    :: something_to_see -> goto I5 /* at the end of a step */
#ifndef FAULT_NO_LOOKOUT
    :: count >= WORKERS -> watching = 0 /* I6: stop_stepping() */
#else
    :: watching = 0
#endif
    fi
  };
#ifndef FAULT_NO_RECHECK
  atomic {
    if
    :: global_queue > 0 || timer == due -> /* I2 */
      if
      :: in_set[me] ->
        take_out(me);
        goto out
      :: else -> goto taken_out
      fi
    :: else
    fi
  };
#endif
  atomic { set_until_earliest_timer(until[me]) };
end_deep:
  atomic {
    if
    :: word[me] -> goto woken
    :: until[me] == passed ->
      until[me] = untimed;
      if
      :: something_to_see -> goto I5
      :: else
      fi
    fi
  };
  atomic { /* go_on_stepping() */
#ifndef FAULT_GO_ON_OUTSIDE
    if
    :: watch == me -> watching = 1
    :: else -> goto taken_out
    fi;
#else
    watching = 1;
#endif
    goto keep_watch
  };

I5:
  atomic {
    if
    :: in_set[me] -> take_out(me)
    :: else -> goto taken_out
    fi
  };
  d_step {
    if
    :: me != 0 && ready[0] > 0 -> steal_half(0)
    :: me != 1 && ready[1] > 0 -> steal_half(1)
#if WORKERS > 2
    :: me != 2 && ready[2] > 0 -> steal_half(2)
#endif
    :: else -> /* where it has a choice: the first; find is free to choose */
      if
      :: has_some(0) -> steal_run_next(0)
      :: has_some(1) -> steal_run_next(1)
#if WORKERS > 2
      :: has_some(2) -> steal_run_next(2)
#endif
      :: else
      fi
    fi
  };
#ifdef FAULT_NO_HAND_ON
  if
  :: timer != unarmed && unwatched -> wake_one()
  :: else
  fi;
#endif
out:
  atomic {
    asleep[me] = 0;
    until[me] = untimed;
    has_watch = 0
  };
  goto find;

taken_out: /* and about to be woken */
  word[me];
woken:
  atomic {
    searches = to_search[me];
    to_search[me] = 0;
    word[me] = 0;
    asleep[me] = 0;
    until[me] = untimed;
    has_watch = 0
  };
  goto find;

coming: /* loop() */
  atomic {
    searching = searching - searches; /* stop_searching() */
    searches = 0
  };
I7:
  atomic {
    if
#ifndef FAULT_NO_HAND_ON
    :: fresh && unwatched -> fresh = 0
#endif
    :: else ->
      fresh = 0;
      goto running
    fi
  };
  wake_one();
running:
progress_running:
  atomic {
    runs(1);
    if
    :: ready[me]++; /* yields; tells nobody */
      runs(0);
      goto find
    :: parked++; /* parks, or ends */
      runs(0);
      goto find
    :: timer == unarmed && more(timer_uses, TIMER_USES) ->
      count_one(timer_uses, TIMER_USES);
      timer = armed;
      runs(0);
      goto find
    :: parked > 0 -> parked-- /* readies another */
    :: goto end_hog
    fi
  };
  push_own(1);
  goto running;
end_hog:
  false
}

/* ---- where nothing can happen any more --------------------------------------------------------------------------- */

#if WORKERS > 2
#define somebody_asleep (asleep[0] || asleep[1] || asleep[2])
#define runnable (global_queue + run_next[0] + ready[0] + run_next[1] + ready[1] + run_next[2] + ready[2])
#else
#define somebody_asleep (asleep[0] || asleep[1])
#define runnable (global_queue + run_next[0] + ready[0] + run_next[1] + ready[1])
#endif

proctype quiescent() {
  atomic {
    timeout ->
    assert(!somebody_asleep || (runnable == 0 && timer == unarmed));
    assert(searching == 0)
  }
}

init {
  atomic {
    run worker(0);
    run worker(1);
#if WORKERS > 2
    run worker(2);
#endif
    run plain_thread();
    run clock();
#ifndef NP
    run quiescent()
#endif
  }
}
