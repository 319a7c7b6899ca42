/*
 * How waiters of a port are woken, who leads, when the doorbell rings, and what
 * a death leaves behind: native/core/{waiters,get,collect,port,repair}.cpp.
 *
 * Three waiters (two want one event, one wants two), one of whom gives up once;
 * two posters, one descriptor; the death of any of the five at any step. Names are
 * the code's. A critical section is one step, and so is each system call made
 * after it, or to wait. A death inside a section leaves all that is derived torn:
 * only slots and the waiters' records can be believed.
 *
 * Checked at rest: nobody sleeps beside events that satisfy it, what the
 * descriptor reported was collected, the doorbell's level is right, a kick that lies
 * in the inner set is known to (the next call takes it), each event
 * was taken once or went with its dead reader. Checked always: no cycle, so that no
 * two wake each other for ever. Each BUG_ is a mistake that a check must find.
 */
#ifndef SPINS
#define SPINS false /* a waiter may look at its word for a while before it sleeps, or an event loop before it rests */
#endif
#ifndef BELL
#define BELL true
#endif
#ifndef DESCRIPTOR
#define DESCRIPTOR true
#endif
#ifndef WAITERS
#define WAITERS 3 /* 2: waiter 2 is not there */
#endif
#ifndef SENDS
#define SENDS 1 /* of each poster */
#endif
#ifndef VICTIM
#define VICTIM 0 /* of the five: who may die */
#endif
#define NOBODY 0
#define WANTED(w) (w == 3 -> 2 : 1)

/* Bits of Waiter::word. */
#define TAKE 1
#define LEAD 2
#define SLEEPING 4
#define POLLING 8

/* The region. */
byte slots;          /* QUEUED ones: the truth */
byte queued;         /* Header::queued, derived from it */
byte word[4];
bool listed[4];
byte handed;
byte leader;
bool pollable;       /* the descriptor is armed */
bool kicked;         /* the kick is raised, or about to be, and nobody took it */
bool uncollected;
byte bell_high;      /* 2: unknown, after repair */
bool outdated[6];    /* whose bell_version is not the newest; true if it has none */
bool torn;           /* the lock's former holder died inside */

/* The kernel. */
bool parked[4];      /* in futex_wait */
bool kick;           /* an edge in the inner set, of a counter that is not 0 */
bool ready;          /* the armed descriptor, in the inner set */
bool bell;

/* The story. */
byte posted, taken;
bool gave_up;        /* one wait has ended before its time, or none will */
bool died;           /* one process has, or none will */
bool dead[6];

/* --- Sections: what is changed with the lock held. `wakes` are the system calls
 * that they ask for, made one by one afterwards. */

#define RAISE 1
#define LOWER 1
#define LOOK 2 /* raised or lowered: is it still, or again, wanted? */

typedef Wakes {
	bool futex[4];
	byte kick;           /* nothing, RAISE, LOOK */
	byte unkick;         /* nothing, LOWER, LOOK */
	bool bell;
	bool remade;         /* the level was made, newer versions not looked for */
	bool high
}

inline signal(w, bits) {
	if
	:: word[w] & POLLING -> wakes.kick = RAISE; kicked = true
	:: word[w] & SLEEPING -> wakes.futex[w] = true
	:: else
	fi;
	word[w] = (word[w] | bits) & ~(SLEEPING | POLLING)
}

#define SATISFIED(w) (listed[w] && queued >= WANTED(w) && !(word[w] & TAKE))

inline hand_over() {
	if
	:: SATISFIED(1) -> handed = 1
	:: SATISFIED(2) -> handed = 2
	:: !SATISFIED(1) && !SATISFIED(2) && SATISFIED(3) -> handed = 3
	:: else
	fi;
	if
	:: handed != NOBODY -> signal(handed, TAKE)
	:: else
	fi
}

#define STAYING(w) (listed[w] && !(word[w] & (TAKE | LEAD)))

inline appoint_leader() {
	if
	:: STAYING(1) -> leader = 1
	:: STAYING(2) -> leader = 2
	:: STAYING(3) -> leader = 3
	:: else
	fi;
	if
	:: leader != NOBODY -> signal(leader, LEAD)
	:: else
	fi
}

inline settle() {
	if
	:: queued != 0 && handed == NOBODY -> hand_over()
	:: else
	fi;
	if
	:: pollable && leader == NOBODY && handed == NOBODY -> appoint_leader()
	:: else
	fi;
	if
	:: BELL && bell_high != (queued != 0 && handed == NOBODY) ->
		bell_high = (queued != 0 && handed == NOBODY);
		outdated[0] = true; /* the next bell_version */
		outdated[1] = true;
		outdated[2] = true;
		outdated[3] = true;
		outdated[4] = true;
		outdated[5] = true;
		outdated[me] = false;
		wakes.bell = true;
		wakes.high = bell_high
	:: else
	fi
}

inline rebuild_waiter(w) {
	if
	:: dead[w] -> listed[w] = false
	:: !dead[w] && listed[w] && (word[w] & POLLING) -> leader = w
	:: else
	fi
}

/* It may have been told, and not woken: let it come and look. */
inline revive_waiter(w) {
	if
	:: listed[w] && word[w] != 0 ->
		word[w] = (word[w] & ~(SLEEPING | POLLING)) | LEAD;
		if
		:: leader == w -> kicked = true; kick = true
		:: else
		fi;
		parked[w] = false
	:: else
	fi
}

inline repair() {
	handed = NOBODY;
#ifndef BUG_DEAD_KICK
	kicked = false;
	kick = false;
#endif
	rebuild_waiter(1);
	rebuild_waiter(2);
	rebuild_waiter(3);
	if
	:: !listed[leader] -> leader = NOBODY
	:: else
	fi;
	revive_waiter(1);
	revive_waiter(2);
	revive_waiter(3);
	queued = slots;
	uncollected = true;
	bell_high = 2;
	torn = false
}

#define MORTAL (!died && me == VICTIM)

/* What is derived may be anything: repair believes none of it, and as nobody
 * reads it before, one value stands for all. */
inline die_inside() {
	if
	:: MORTAL ->
		died = true;
		dead[me] = true;
		torn = true;
		queued = 0;
		handed = NOBODY;
		bell_high = 2;
		if /* who leads only the leader changes; whoever finds none may appoint one */
		:: leader == me -> leader = NOBODY
		:: leader == NOBODY && listed[2] -> leader = 2
		:: true
		fi;
		goto gone
	:: true
	fi
}

/* Guard::lock, and death before the section's changes. */
inline enter() {
	if
	:: torn -> repair()
	:: else
	fi;
	die_inside()
}

/* Guard::unlock, and death after them. */
inline leave() {
	die_inside();
	settle()
}

/* --- Guard::after_unlock, a system call a step. */

#define NO_FUTEX (!wakes.futex[1] && !wakes.futex[2] && !wakes.futex[3])
#define NO_KICK (NO_FUTEX && !wakes.kick && !wakes.unkick)
#define FIRED (NO_KICK && !wakes.bell)

#define FIRE \
	:: atomic { wakes.futex[1] -> wakes.futex[1] = false; parked[1] = false } \
	:: atomic { wakes.futex[2] && !wakes.futex[1] -> wakes.futex[2] = false; parked[2] = false } \
	:: atomic { wakes.futex[3] && !wakes.futex[1] && !wakes.futex[2] -> wakes.futex[3] = false; parked[3] = false } \
	:: atomic { NO_FUTEX && wakes.kick == RAISE -> wakes.kick = LOOK; kick = true } \
	:: atomic { NO_FUTEX && wakes.kick == LOOK -> look_at_raised() } \
	:: atomic { NO_FUTEX && !wakes.kick && wakes.unkick == LOWER -> wakes.unkick = LOOK; kick = false } \
	:: atomic { NO_FUTEX && !wakes.kick && wakes.unkick == LOOK -> look_at_lowered() } \
	:: atomic { NO_KICK && wakes.bell && !wakes.remade -> \
		bell = wakes.high; wakes.remade = true } \
	:: atomic { wakes.remade -> look_at_version() }

/* Port::kick, after its raising. */
inline look_at_raised() {
	wakes.kick = 0;
	if
#ifndef BUG_KICK_LEFT
	:: !kicked -> wakes.unkick = LOWER
#endif
	:: else
	fi
}

/* Port::unkick, after its lowering: what was raised for the next leader meanwhile went with it. */
inline look_at_lowered() {
	wakes.unkick = 0;
	if
#ifndef BUG_LOWERED_FOR_ANOTHER
	:: kicked -> wakes.kick = RAISE
#endif
	:: else
	fi
}

inline look_at_version() {
	wakes.remade = false;
	if
#ifndef BUG_BELL_ONCE
	:: outdated[me] ->
		outdated[me] = false;
		wakes.high = (bell_high != 0)
#endif
	:: else ->
		outdated[me] = true;
		wakes.bell = false;
		wakes.high = false
	fi
}

/* --- Port::get. */

mtype = { LOOKS, COLLECTS, PASSES_ON, POLLS, RETURNS_FROM_KERNEL, COMES_FROM_SLEEP, SPINNING, ANNOUNCED, SLEEPS, LEFT };

inline consume() {
	word[me] = 0;
	if
	:: handed == me -> handed = NOBODY
	:: else
	fi
}

inline remove() {
	listed[me] = false;
	late = false;
	if
	:: leader == me -> leader = NOBODY
	:: else
	fi
}

/* The descriptor's one shot is used up. */
inline post_ready() {
	if
	:: found ->
		found = false;
		pollable = false;
		slots++;
		queued++;
		posted++
	:: else
	fi
}

inline ask_kernel() {
	found = ready;
	ready = false;
	has_kick = kick;
	kick = false
}

#define KICK_LEFT (kicked && (leader == NOBODY || leader == me))

/* Port::take_kick: whom it was meant for is awake, by it or by something else. */
inline take_kick() {
	if
#ifdef BUG_KICK_NOT_LOWERED
	:: KICK_LEFT && has_kick -> kicked = false
	:: KICK_LEFT && !has_kick ->
#else
	:: KICK_LEFT ->
#endif
		kicked = false;
		wakes.unkick = LOWER
	:: else
	fi
}

inline look() {
	consume();
	if
	:: queued >= WANTED(me) -> take_kick()
	:: else
	fi;
	if
	:: queued >= WANTED(me) && uncollected && pollable ->
		uncollected = false;
		next = COLLECTS
	:: queued >= WANTED(me) && !(uncollected && pollable) ->
		slots = slots - WANTED(me);
		queued = queued - WANTED(me);
		taken = taken + WANTED(me);
		remove() /* and calls again */
	:: queued < WANTED(me) && late -> /* with what is there, and for good */
		taken = taken + queued;
		slots = slots - queued;
		queued = 0;
		remove();
		next = LEFT
	:: queued < WANTED(me) && !late && SPINS && !listed[me] ->
		listed[me] = true;
		next = SPINNING
	:: queued < WANTED(me) && !late ->
		listed[me] = true;
		if
		:: leader == me || (leader == NOBODY && pollable) ->
			leader = me;
			uncollected = false;
			word[me] = POLLING;
			next = POLLS
		:: else ->
			word[me] = SLEEPING;
			next = ANNOUNCED
		fi
	fi
}

inline give_up() {
	gave_up = true;
	late = true;
	next = LOOKS
}

/* Death between two steps. */
#define DIE \
	:: atomic { MORTAL -> died = true; dead[me] = true; goto gone }

inline forget_wakes() {
	wakes.futex[1] = false;
	wakes.futex[2] = false;
	wakes.futex[3] = false;
	wakes.kick = 0;
	wakes.unkick = 0;
	wakes.bell = false;
	wakes.remade = false;
	wakes.high = false;
	outdated[me] = true
}

proctype waiter(byte me) {
	Wakes wakes;
	mtype next = LOOKS;
	bool found, has_kick, late;

end:	do
	DIE
	FIRE
	:: atomic { FIRED && (next == LOOKS || next == COMES_FROM_SLEEP) ->
		enter();
		if
		:: next == COMES_FROM_SLEEP ->
			post_ready();
			take_kick();
			has_kick = false;
			next = LOOKS
		:: else
		fi;
		look();
#ifdef BUG_LEAVES_QUIETLY
		if
		:: next == LEFT -> goto end
		:: else
		fi;
#endif
		leave() }
	:: atomic { FIRED && next == COLLECTS -> ask_kernel(); next = RETURNS_FROM_KERNEL }
	:: atomic { FIRED && next == RETURNS_FROM_KERNEL ->
		enter();
		post_ready();
		next = PASSES_ON;
		leave() }
	:: atomic { FIRED && next == PASSES_ON -> /* finish_ready: the kick was the leader's */
		if
#ifndef BUG_KICK_SWALLOWED
		:: has_kick && leader != NOBODY && word[leader] != 0 && !(word[leader] & POLLING) ->
			kicked = true;
			wakes.kick = RAISE
#endif
		:: else
		fi;
		has_kick = false;
		next = LOOKS }
	:: atomic { FIRED && next == POLLS && (kick || ready) ->
		ask_kernel();
		next = COMES_FROM_SLEEP }
	:: atomic { FIRED && next == POLLS && !gave_up -> give_up(); next = COMES_FROM_SLEEP }
	:: atomic { FIRED && next == SPINNING -> next = LOOKS } /* its word was set, or it took too long */
	:: atomic { FIRED && next == SPINNING && !gave_up -> /* an event loop, which is rung from now on */
		gave_up = true;
		enter();
#ifndef BUG_RESTS_CALLED
		consume();
#endif
		remove();
		next = LEFT;
		leave() }
	:: atomic { FIRED && next == ANNOUNCED -> /* futex_wait looks at the word once more */
#ifdef BUG_NO_RECHECK
		parked[me] = true;
#else
		parked[me] = (word[me] == SLEEPING);
#endif
		next = SLEEPS }
	:: atomic { FIRED && next == SLEEPS && !parked[me] -> next = LOOKS }
	:: atomic { FIRED && next == SLEEPS && parked[me] && !gave_up -> parked[me] = false; give_up() }
	od;
gone:	atomic {
		forget_wakes();
		next = LOOKS;
		found = false;
		has_kick = false;
		late = false;
		parked[me] = false
	}
}

/* --- Port::send, and Port::associate of a descriptor that gets ready later. */

proctype poster(byte me) {
	Wakes wakes;
	byte sent;
	bool armed;

end:	do
	DIE
	FIRE
	:: atomic { FIRED && sent < SENDS ->
		enter();
		slots++;
		queued++;
		posted++;
		sent++;
		leave() }
	:: atomic { FIRED && DESCRIPTOR && me == 5 && sent == SENDS && !armed ->
		enter();
		armed = true;
		pollable = true;
		uncollected = true;
		leave() }
	od;
gone:	atomic {
		forget_wakes();
		sent = 0;
		armed = false
	}
}

proctype descriptor() {
end:	pollable -> ready = true
}

/* --- The survivor that notices a death. */

#define SOMEBODY_DEAD (dead[1] || dead[2] || dead[3] || dead[4] || dead[5])

proctype survivor(byte me) {
	Wakes wakes;
	bool noticed;

end:	do
	FIRE
#ifndef BUG_UNNOTICED
	:: atomic { SOMEBODY_DEAD && !noticed -> noticed = true; repair(); settle() }
#endif
	od
}

#define AT_EASE(w) (dead[w] || !listed[w] || queued < WANTED(w))
#define WAITING(w) (!dead[w] && listed[w])

init {
	atomic {
		outdated[1] = true;
		outdated[2] = true;
		outdated[3] = true;
		outdated[4] = true;
		outdated[5] = true;
		outdated[0] = true;
#if VICTIM
		gave_up = true;
#else
		died = true;
		if /* at rest both ways */
		:: gave_up = true
		:: true
		fi;
#endif
		run waiter(1);
		if
		:: WAITERS == 3 -> run waiter(2)
		:: else
		fi;
		run waiter(3);
		run poster(4);
		run poster(5);
		run descriptor();
		run survivor(0)
	};
	timeout; /* nobody can do anything any more */
	assert(slots + taken == posted);
	assert(queued == slots);
	assert(AT_EASE(1) && AT_EASE(2) && AT_EASE(3));
	assert(!(ready && pollable && (WAITING(1) || WAITING(2) || WAITING(3))));
	assert(handed == NOBODY);
	assert(!kick || kicked);
	assert(!BELL || bell == (queued != 0))
}
