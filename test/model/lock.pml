/*
 * The lock of a region, and the thread that it favours: native/shm/lock.{hpp,cpp},
 * Port::entered of native/core/port.cpp.
 *
 * Three threads, each of a process of its own, enter twice; any of them may be killed
 * at any step. Names are the code's. Each access to the region is one step. What
 * the favoured thread stores without a locked operation lies in its processor's
 * store buffer until the buffer is written or the kernel makes a fence. The kernel marks the word
 * when a thread that announced it dies with its number in it: of COLLIDE, two threads
 * have one number, being of two pid namespaces. Of SCRIBBLED, a peer has written a number to the word,
 * or to `within`, that is no thread's.
 *
 * Checked always: one thread at most is inside, and what a death left torn is repaired
 * before anything else. Checked at rest: where nobody dies, nobody sleeps for a lock that is
 * free. Checked in the end (under weak fairness): whoever lives gets the lock as often as it
 * wants. Each BUG_ is a mistake that a check must find.
 */
#ifndef COLLIDE
#define COLLIDE false
#endif
#ifndef SCRIBBLED
#define SCRIBBLED false
#endif
#ifndef DEATHS
#define DEATHS 2 /* at most */
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define NOBODY 0
#define FOR_ALL 4
#define WITHDRAWING 5
#define STRANGER 7 /* a number that is no thread's */
#define RETREAT 6 /* in the buffer: a 0, of one that did not enter */
#define TID(t) (COLLIDE && t == 3 -> 2 : t)

/* The region: LockWords. Threads are 1 to 3, and favoured or the holder as such. */
byte word;           /* the number in it */
bool contended;
bool owner_died;
byte holder;
byte favoured;
byte within;
bool torn;           /* a thread died inside, and nobody has repaired it */

/* The processor of the favoured thread: its stores to `within` that nobody else sees yet. */
byte buffered[2];
byte buffered_count;

/* The kernel. */
bool dead[4];
bool announced[4];   /* list_op_pending */
bool asleep[4];      /* in futex_wait on the word */
byte deaths;

/* The story. */
bool inside[4];      /* by the word */
bool favoured_inside;
bool silent[4];      /* has the word, and has not said yet, or says no more, who it is */
bool ended[4];

#define FAVOURED_SEEN_INSIDE (favoured_inside || (buffered_count > 0 && buffered[0] == 0) || (buffered_count > 1 && buffered[1] == 0))
#define SOMEBODY_SILENT ((silent[1] && !dead[1]) || (silent[2] && !dead[2]) || (silent[3] && !dead[3]))

#define AS_WRITTEN(v) (v == RETREAT -> NOBODY : v)

inline write_buffer() {
	if
	:: buffered_count > 1 -> within = AS_WRITTEN(buffered[1])
	:: buffered_count == 1 -> within = AS_WRITTEN(buffered[0])
	:: else
	fi;
	buffered_count = 0;
	buffered[0] = 0;
	buffered[1] = 0
}

/* The processor writes the oldest when it likes. */
active proctype store_buffer() {
end:	do
	:: atomic { buffered_count > 0 ->
		within = AS_WRITTEN(buffered[0]);
		buffered[0] = buffered[1];
		buffered[1] = 0;
		buffered_count-- }
	od
}

inline store_within(value) {
	atomic { buffered_count < 2 -> buffered[buffered_count] = value; buffered_count++ }
}

inline futex_wake() {
	if
	:: asleep[1] -> asleep[1] = false
	:: asleep[2] -> asleep[2] = false
	:: asleep[3] -> asleep[3] = false
	:: !asleep[1] && !asleep[2] && !asleep[3]
	fi
}

inline die(t) {
	atomic { deaths < DEATHS && !dead[t] && !ended[t] ->
		deaths++;
		dead[t] = true;
		asleep[t] = false;
		if
		:: t == 1 ->
			write_buffer();
			torn = (torn || favoured_inside);
			favoured_inside = false
		:: else
		fi;
		torn = (torn || inside[t]);
		inside[t] = false;
		/* futex(2), the robust protocol: exit_robust_list */
		if
		:: announced[t] && word == TID(t) -> word = 0; owner_died = true; futex_wake()
		:: announced[t] && word == 0 && !owner_died && !contended -> futex_wake()
		:: else
		fi
	}
}

active proctype killer() {
end:	do
	:: die(1)
	:: die(2)
	:: die(3)
	od
}

#define ALONE (!inside[1] && !inside[2] && !inside[3] && !FAVOURED_SEEN_INSIDE)

/* Liveness::holder_gone */
#define HOLDER_GONE(h) (h != NOBODY && dead[h])
/* Liveness::may_hold, asked by another. Nothing is known of how long a thread that lives says nothing. */
#define MAY_BE(t, me, number) (t != me && !dead[t] && TID(t) == number)
#define MAY_HOLD(me, number) (MAY_BE(1, me, number) || MAY_BE(2, me, number) || MAY_BE(3, me, number))
/* left_behind(), of a word without a mark */
#define SAID(number, h) (h != NOBODY && TID(h) == number)
#ifdef BUG_UNSAID_ROBBED
#define LEFT_BEHIND(me, number, h) (SAID(number, h) -> HOLDER_GONE(h) : true)
#else
#define LEFT_BEHIND(me, number, h) (SAID(number, h) -> HOLDER_GONE(h) : !MAY_HOLD(me, number))
#endif

/* detail::lock_slow. A thread that lives says who it is, and lets go when it says so no more,
 * within the time for which a mark of nobody must stand. */
inline lock_slow(me) {
	skip;
again:
	atomic { seen = word; seen_contended = contended; seen_died = owner_died };
	if
	:: seen == 0 && !seen_died && !seen_contended ->
		if
		:: atomic { word == 0 && !owner_died && !contended -> word = TID(me); contended = true; silent[me] = true }
		:: else -> goto again
		fi;
		goto taken
	:: seen_died ->
		atomic { who = holder; for_long = !SOMEBODY_SILENT };
		if
#ifdef BUG_MARK_BELIEVED
		:: true -> believed = true
#else
		:: HOLDER_GONE(who) ->
#ifdef BUG_SUCCESSOR_UNSAID
			believed = true
#else
			/* Else who takes the word would be believed dead until it says who it is. */
			atomic { believed = (holder == who); holder = (believed -> NOBODY : holder) }
#endif
		:: !HOLDER_GONE(who) -> believed = (who == NOBODY && for_long)
#endif
		fi;
		if
		:: atomic { believed && word == seen && owner_died && contended == seen_contended ->
			word = TID(me); owner_died = false; contended = true; silent[me] = true }
			inherited = true;
			goto taken
		:: else
		fi
	:: else ->
		if
		:: seen_contended
		:: atomic { !seen_contended && word == seen && !contended && !owner_died -> contended = true }
			seen_contended = true
		:: !seen_contended && !(word == seen && !contended && !owner_died) -> goto again
		fi
	fi;
	/* futex_wait, which may end by its timeout; that is needed only where somebody died, or scribbled. */
	if
	:: atomic { word == seen && contended == seen_contended && owner_died == seen_died -> asleep[me] = true }
	:: else -> goto again
	fi;
	if
	:: atomic { !asleep[me] -> goto again }
	:: atomic { asleep[me] && (deaths != 0 || SCRIBBLED) -> asleep[me] = false }
	fi;
	who = holder;
	if
#ifdef BUG_SUCCESSOR_UNSAID
	:: atomic { HOLDER_GONE(who) && word == seen && contended == seen_contended && owner_died == seen_died ->
		word = TID(me); owner_died = false; contended = true; silent[me] = true }
		inherited = true;
		goto taken
	:: else -> goto again
#else
	/* A mark in the kernel's stead: it is believed as above. */
	:: !seen_died && LEFT_BEHIND(me, seen, who) ->
		if
		:: atomic { word == seen && contended == seen_contended && !owner_died -> word = 0; owner_died = true }
			goto again
		:: else -> goto again
		fi
	:: else -> goto again
#endif
	fi;
taken:
	skip
}

/* shm::withdraw. Nobody wakes who waits for `within`: it looks. */
inline withdraw() {
#ifdef BUG_WITHDRAWN_AT_ONCE
	favoured = FOR_ALL;
#else
	favoured = WITHDRAWING;
#endif
#ifndef BUG_NO_FENCE
	atomic { write_buffer() };
#endif
	if
	:: within == 0
	:: atomic { within != 0 && within != STRANGER && dead[within] -> within = 0; inherited = true }
	:: atomic { within == STRANGER -> within = 0; inherited = true } /* of no member */
	fi;
	favoured = FOR_ALL
}

/* Port::Guard, by the word: lock(), Port::entered, what the caller does, unlock(). */
inline pass_by_word(me) {
	inherited = false;
	announced[me] = true;
	if
	:: atomic { word == 0 && !owner_died && !contended -> word = TID(me); silent[me] = true }
	:: else -> lock_slow(me)
	fi;
	atomic { holder = me; silent[me] = false };
	if
	:: favoured == NOBODY -> favoured = me
	:: favoured == FOR_ALL
	:: favoured != NOBODY && favoured != FOR_ALL -> withdraw()
	fi;
	atomic {
		assert(ALONE);
		inside[me] = true;
		assert(!torn || inherited);
		torn = false /* repair() */
	};
	inside[me] = false;
#ifndef BUG_HOLDER_KEPT
	atomic { holder = NOBODY; silent[me] = true };
#endif
	atomic {
		if
#ifdef BUG_NO_WAKE
		:: false ->
#else
		:: contended ->
#endif
			waking = true
		:: else
		fi;
		word = 0;
		contended = false;
		owner_died = false;
		silent[me] = false };
	if
	:: waking -> atomic { futex_wake(); waking = false }
	:: else
	fi;
	announced[me] = false
}

/* The same, of the thread that is favoured: false in `entered` where it is not. */
inline pass_as_favoured(me) {
	if
	:: favoured == me ->
		store_within(me);
		if
#ifdef BUG_NO_SECOND_LOOK
		:: true ->
#else
		:: favoured == me ->
#endif
			atomic {
				assert(!inside[1] && !inside[2] && !inside[3]);
				assert(!torn);
				favoured_inside = true
			};
			entered = true;
			atomic { buffered_count < 2 -> favoured_inside = false; buffered[buffered_count] = 0; buffered_count++ }
		:: else -> store_within(RETREAT)
		fi
	:: else
	fi
}

proctype thread(byte me) {
	byte round, seen, who;
	bool seen_contended, seen_died, for_long, believed, inherited, waking, entered;
	{
		do
		:: round < ROUNDS ->
			round++;
			entered = false;
			if
			:: me == 1 -> pass_as_favoured(me)
			:: else
			fi;
			if
			:: entered
			/* A locked operation waits for what the processor has still to write. */
			:: !entered && (me != 1 || buffered_count == 0) -> pass_by_word(me)
			fi
		:: else -> break
		od;
		ended[me] = true
	} unless { dead[me] }
}

#define OVER(t) (ended[t] || dead[t])
ltl had { <> (OVER(1) && OVER(2) && OVER(3)) }

/* Thread 1 comes first, and is favoured from then on. */
init {
	atomic {
		favoured = 1;
		if
		:: SCRIBBLED -> word = STRANGER
		:: SCRIBBLED -> within = STRANGER
		:: !SCRIBBLED
		fi;
		run thread(1);
		run thread(2);
		run thread(3)
	}
}
