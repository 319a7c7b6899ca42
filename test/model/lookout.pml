/*
 * How a death, or a leader that was stopped, is noticed: native/core/{watch,members,get}.cpp.
 *
 * Two processes wait, A with two threads and B with one; a third, V, holds the port and
 * dies at any time, and a newcomer takes its record once it is free. A or B is killed, or
 * stopped for good, between any two steps. Names are the code's. A critical section is
 * one step, since the lock survives its holders (wakeup.pml). The code's clocks are ticks
 * here: what is due is due once a tick.
 *
 * Checked always: whoever is buried is dead, and one process at most looks for the dead in a tick.
 * Checked in the end (under weak fairness): while one that lives waits, the dead are buried, and
 * no leader stays that doesn't run. Each BUG_ is a mistake that a check must find.
 */
#ifndef VICTIM
#define VICTIM 2 /* who is killed or stopped: 0 A, 1 B, 2 nobody but V */
#endif
#ifndef STOPPED
#define STOPPED false /* it is stopped, not killed */
#endif
#ifndef DESCRIPTOR
#define DESCRIPTOR false /* one is armed, so that somebody leads */
#endif
#define NOBODY 3
#define A 0
#define B 1
#define V 2
#define PROCESS(w) (w / 2)
#define RUNS(p) (alive[p] && !(STOPPED && stopped && p == VICTIM))

/* The region. */
bool live[3];        /* Member::state is LIVE */
byte nonce[3];       /* Member::nonce */
bool held[3];        /* Region::member_held: the kernel gives it up with its process */
bool looked_at;      /* true: somebody has looked in this tick */
bool listed[3];      /* the waiters' records */
bool called[3];      /* Waiter::word, and the futex: it was told something */
byte leader = NOBODY;
bool leader_beat;    /* parity */

/* Each process' own. */
byte lookout[2] = NOBODY;  /* Port::lookout_ */
bool next_look[2];         /* true: not due again in this tick */
byte seen_who[2] = NOBODY; /* Port::leader_ */
bool seen_beat[2];
byte seen_for[2];          /* ticks */

/* The kernel, and the story. */
bool alive[3];
bool stopped;
byte lookers;        /* for the dead, in this tick */

#define GONE(r) (live[r] && !held[r])
#define SOME_GONE (GONE(A) || GONE(B) || GONE(V))
#define WAITING(w) (listed[w] && RUNS(PROCESS(w)))
#define SOMEBODY_WAITS (WAITING(0) || WAITING(1) || WAITING(2))
#define SILENT_LEADS (leader != NOBODY && !RUNS(PROCESS(leader)))

inline appoint_leader() {
	if
	:: DESCRIPTOR && leader == NOBODY && listed[0] && !called[0] -> leader = 0; called[0] = true
	:: DESCRIPTOR && leader == NOBODY && !(listed[0] && !called[0]) && listed[1] && !called[1] -> leader = 1; called[1] = true
	:: DESCRIPTOR && leader == NOBODY && !(listed[0] && !called[0]) && !(listed[1] && !called[1]) && listed[2] && !called[2] -> leader = 2; called[2] = true
	:: else
	fi
}

/* repair(): the waiters of the dead go, and with them the leader that was one. */
inline forget(w) {
	if
	:: !live[PROCESS(w)] ->
		listed[w] = false;
		called[w] = false;
		if
		:: leader == w -> leader = NOBODY
		:: else
		fi
	:: else
	fi
}

inline bury(r, as) {
	if
#ifdef BUG_RECORD_REUSED
	:: as != 0 && live[r] ->
#else
	:: as != 0 && live[r] && nonce[r] == as && !held[r] ->
#endif
		assert(!held[r]);
		live[r] = false
	:: else
	fi
}

/* Port::keeps_lookout */
inline keeps_lookout() {
	if
	:: lookout[p] == NOBODY || !listed[lookout[p]] -> lookout[p] = me
	:: else
	fi;
	looking = (lookout[p] == me || leader == me)
}

/* Port::withdraw */
inline withdraw() {
	listed[me] = false;
	called[me] = false;
	if
	:: leader == me -> leader = NOBODY
	:: else
	fi;
	if
#ifndef BUG_NOT_PASSED_ON
	:: lookout[p] == me ->
		lookout[p] = NOBODY;
		if
		:: p == A && listed[1 - me] -> called[1 - me] = true
		:: else
		fi
#endif
	:: else
	fi;
	appoint_leader()
}

/* No more states than there are. */
inline forget_self() {
	looking = false;
	next = WAITS;
	dead_a = 0;
	dead_b = 0;
	dead_v = 0
}

mtype = { WAITS, SLEEPS, BURIES, FINDS, LOCKS, CALLS_THE_SILENT };

/* Port::get, of one that is given nothing: it sleeps, and looks up where it keeps the lookout. */
proctype waiter(byte me; byte p) {
	mtype next = WAITS;
	bool looking;
	byte dead_a, dead_b, dead_v; /* nonces of those found dead */

end:	do
	:: atomic { !alive[p] -> forget_self(); break }
	:: atomic { RUNS(p) && next == WAITS ->
		listed[me] = true;
		called[me] = false;
		keeps_lookout();
		if
		:: DESCRIPTOR && (leader == me || leader == NOBODY) -> leader = me; looking = true; leader_beat = !leader_beat
		:: else
		fi;
		next = SLEEPS }
	:: atomic { RUNS(p) && next == SLEEPS && called[me] -> next = WAITS }
	:: atomic { RUNS(p) && next == SLEEPS && me != 1 -> /* an event was for it: it leaves for good */
		withdraw();
		forget_self();
		break }
	:: atomic { RUNS(p) && next == SLEEPS && looking && !next_look[p] -> /* its time is over */
		next_look[p] = true;
		next = BURIES }
	:: atomic { RUNS(p) && next == BURIES -> /* bury_at_times */
		if
#ifdef BUG_LOOKS_ALWAYS
		:: true ->
#else
		:: !looked_at ->
#endif
			looked_at = true;
			lookers++;
			assert(lookers <= 1);
			next = FINDS
		:: looked_at -> next = CALLS_THE_SILENT
		fi }
	:: atomic { RUNS(p) && next == FINDS -> /* bury_dead, without the lock */
		dead_a = (GONE(A) -> nonce[A] : 0);
		dead_b = (GONE(B) -> nonce[B] : 0);
		dead_v = (GONE(V) -> nonce[V] : 0);
		next = (dead_a + dead_b + dead_v != 0 -> LOCKS : CALLS_THE_SILENT) }
	:: atomic { RUNS(p) && next == LOCKS -> /* bury_dead, with it */
		bury(A, dead_a);
		bury(B, dead_b);
		bury(V, dead_v);
		dead_a = 0;
		dead_b = 0;
		dead_v = 0;
		forget(0);
		forget(1);
		forget(2);
		appoint_leader();
		next = CALLS_THE_SILENT }
	:: atomic { RUNS(p) && next == CALLS_THE_SILENT ->
		if /* Unchanged::for_long */
		:: leader == NOBODY || PROCESS(leader) == p || leader != seen_who[p] || leader_beat != seen_beat[p] ->
			seen_who[p] = (leader != NOBODY && PROCESS(leader) != p -> leader : NOBODY);
			seen_beat[p] = leader_beat;
			seen_for[p] = 0
		:: else ->
			seen_for[p] = (seen_for[p] < 2 -> seen_for[p] + 1 : 2)
		fi;
		if
#ifndef BUG_SILENCE
		:: seen_for[p] == 2 ->
			called[leader] = true;
			leader = NOBODY;
			seen_who[p] = NOBODY;
			seen_for[p] = 0;
			appoint_leader()
#endif
		:: else
		fi;
		next = WAITS }
	od
}

/* One that waits for nothing, and its successor in the record. */
proctype other() {
	atomic { alive[V] = false; held[V] = false };
	atomic { !live[V] -> /* take_record */
		live[V] = true;
		nonce[V] = 2;
		held[V] = true;
		alive[V] = true }
}

proctype victim() {
	if
	:: atomic { STOPPED -> stopped = true }
	:: atomic { !STOPPED && VICTIM != V -> 
		alive[VICTIM] = false;
		held[VICTIM] = false;
		next_look[VICTIM] = false;
		seen_who[VICTIM] = NOBODY;
		seen_for[VICTIM] = 0 }
	:: VICTIM == V
	fi
}

proctype clock() {
end:	do
	:: atomic { looked_at || next_look[A] || next_look[B] ->
#ifndef BUG_LOOK_HELD
		looked_at = false;
#endif
		lookers = 0;
		next_look[A] = false;
		next_look[B] = false }
	od
}

init {
	atomic {
		live[A] = true; nonce[A] = 1; held[A] = true; alive[A] = true;
		live[B] = true; nonce[B] = 1; held[B] = true; alive[B] = true;
		live[V] = true; nonce[V] = 1; held[V] = true; alive[V] = true;
		run waiter(0, A);
		run waiter(1, A);
		run waiter(2, B);
		run other();
		run victim();
		run clock()
	}
}

ltl noticed { [] (SOME_GONE -> <> (!SOME_GONE || !SOMEBODY_WAITS)) }
ltl led { [] (SILENT_LEADS -> <> (!SILENT_LEADS || !SOMEBODY_WAITS)) }
