CREATE TABLE batch (
	id INTEGER NOT NULL, 
	merchant_id TEXT NOT NULL, 
	uid TEXT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	money INTEGER NOT NULL, 
	currency TEXT NOT NULL, 
	face_minor BIGINT, 
	uses INTEGER NOT NULL, 
	partial INTEGER NOT NULL, 
	valid_from_ms BIGINT, 
	valid_until_ms BIGINT, 
	count BIGINT NOT NULL, 
	frozen INTEGER NOT NULL, 
	voided INTEGER NOT NULL, 
	sealed_ms BIGINT, 
	created_ms BIGINT NOT NULL, staged INTEGER DEFAULT '0' NOT NULL, leases INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (merchant_id, uid)
);

CREATE TABLE blob (
	merchant_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	content BLOB NOT NULL, 
	stored_ms BIGINT NOT NULL, 
	PRIMARY KEY (merchant_id, id)
);

CREATE TABLE "card" (
	verifier BLOB NOT NULL, 
	batch_id BIGINT NOT NULL, 
	no BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	frozen INTEGER NOT NULL, 
	balance_minor BIGINT, 
	uses_left INTEGER NOT NULL, 
	entries INTEGER NOT NULL, voided INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (verifier), 
	CONSTRAINT ck_card_state CHECK (state IN ('active', 'spent', 'voided')), 
	CONSTRAINT ck_card_balance CHECK (balance_minor IS NULL OR balance_minor >= 0), 
	CONSTRAINT ck_card_uses CHECK (uses_left >= 0)
)
 WITHOUT ROWID

;

CREATE TABLE card_block (
	batch_id BIGINT NOT NULL, 
	n INTEGER NOT NULL, 
	verifiers BLOB NOT NULL, 
	PRIMARY KEY (batch_id, n)
);

CREATE TABLE chunk (
	batch_id BIGINT NOT NULL, 
	n INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	records BLOB NOT NULL, 
	PRIMARY KEY (batch_id, n)
);

CREATE TABLE "conflict" (
	merchant_id TEXT NOT NULL, 
	op_id TEXT NOT NULL, 
	lease_id TEXT NOT NULL, 
	batch_id BIGINT NOT NULL, 
	card_no BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	uses INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	place TEXT NOT NULL, 
	device_id TEXT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	found_ms BIGINT NOT NULL, 
	way TEXT, 
	settled_ms BIGINT, 
	PRIMARY KEY (merchant_id, op_id), 
	CONSTRAINT ck_conflict_way CHECK (way IN ('loss', 'contacted', 'undone'))
);

CREATE TABLE device (
	id TEXT NOT NULL, 
	merchant_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	public_key BLOB NOT NULL, 
	role TEXT NOT NULL, 
	state TEXT NOT NULL, 
	incarnation TEXT NOT NULL, 
	enrolled_ms BIGINT NOT NULL, seen_ms BIGINT, 
	PRIMARY KEY (id), 
	CONSTRAINT ck_device_role CHECK (role IN ('owner', 'manager', 'distributor', 'clerk', 'auditor')), 
	CONSTRAINT ck_device_state CHECK (state IN ('active', 'revoked'))
);

CREATE TABLE failure (
	bucket BLOB NOT NULL, 
	theoretical_ms BIGINT NOT NULL, 
	PRIMARY KEY (bucket)
);

CREATE TABLE feed (
	merchant_id TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	type TEXT NOT NULL, 
	op_id TEXT NOT NULL, 
	at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	hash BLOB NOT NULL, receipt BLOB, 
	PRIMARY KEY (merchant_id, seq)
);

CREATE TABLE incarnation (
	device_id TEXT NOT NULL, 
	incarnation TEXT NOT NULL, 
	first_ms BIGINT NOT NULL, 
	PRIMARY KEY (device_id, incarnation)
);

CREATE TABLE instance (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);

CREATE TABLE lease (
	merchant_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	batch_id BIGINT NOT NULL, 
	first_no BIGINT NOT NULL, 
	end_no BIGINT NOT NULL, 
	device_id TEXT NOT NULL, 
	incarnation TEXT NOT NULL, 
	until_ms BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	taken_ms BIGINT NOT NULL, 
	ended_ms BIGINT, 
	PRIMARY KEY (merchant_id, id), 
	CONSTRAINT ck_lease_state CHECK (state IN ('open', 'returned', 'reclaimed'))
);

CREATE TABLE link (
	id TEXT NOT NULL, 
	merchant_id TEXT NOT NULL, 
	batch_id BIGINT NOT NULL, 
	card_no BIGINT NOT NULL, 
	auth_digest BLOB NOT NULL, 
	ciphertext TEXT NOT NULL, 
	expires_at TEXT, 
	gate_kind TEXT, 
	gate_mac BLOB, 
	pickup_mac BLOB, 
	pickup_ciphertext TEXT, 
	stored_ms BIGINT NOT NULL, 
	opened_ms BIGINT, 
	claimed_ms BIGINT, 
	recalled_ms BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (pickup_mac)
);

CREATE TABLE link_token (
	digest BLOB NOT NULL, 
	link_id TEXT NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	PRIMARY KEY (digest)
);

CREATE TABLE merchant (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	phone TEXT NOT NULL, 
	slug TEXT NOT NULL, 
	feed_seq BIGINT NOT NULL, 
	feed_hash BLOB NOT NULL, 
	created_ms BIGINT NOT NULL, recovering_ms BIGINT, restored_at BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (slug)
);

CREATE TABLE nonce (
	device_id TEXT NOT NULL, 
	nonce TEXT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (device_id, nonce)
);

CREATE TABLE "op" (
	merchant_id TEXT NOT NULL, 
	op_id TEXT NOT NULL, 
	fingerprint BLOB NOT NULL, 
	outcome TEXT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (op_id, merchant_id)
);

CREATE TABLE pairing (
	code_digest BLOB NOT NULL, 
	merchant_id TEXT NOT NULL, 
	role TEXT NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	used_ms BIGINT, name TEXT DEFAULT '' NOT NULL, made_by TEXT, 
	PRIMARY KEY (code_digest)
);

CREATE TABLE recovery (
	merchant_id TEXT NOT NULL, 
	device_id TEXT NOT NULL, 
	entries INTEGER NOT NULL, 
	done_ms BIGINT, 
	PRIMARY KEY (merchant_id, device_id)
);

CREATE TABLE "redemption" (
	merchant_id TEXT NOT NULL, 
	op_id TEXT NOT NULL, 
	batch_id BIGINT NOT NULL, 
	card_no BIGINT NOT NULL, 
	use_no INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	uses INTEGER NOT NULL, 
	remaining_minor BIGINT, 
	remaining_uses INTEGER, 
	reverses TEXT, 
	reason TEXT NOT NULL, 
	entry TEXT NOT NULL, 
	place TEXT NOT NULL, 
	device_id TEXT, 
	at_ms BIGINT NOT NULL, 
	lease_id TEXT, 
	PRIMARY KEY (merchant_id, op_id), 
	CONSTRAINT ck_redemption_kind CHECK (kind IN ('redeemed', 'reversed', 'topped_up', 'refunded')), 
	UNIQUE (batch_id, card_no, use_no), 
	UNIQUE (merchant_id, reverses)
);

CREATE INDEX ix_device_merchant_id ON device (merchant_id);

CREATE INDEX ix_lease_batch ON lease (batch_id);

CREATE INDEX ix_link_card ON link (batch_id, card_no);

CREATE INDEX ix_nonce_at_ms ON nonce (at_ms);

CREATE TRIGGER feed_no_delete BEFORE DELETE ON feed BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

CREATE TRIGGER feed_no_update BEFORE UPDATE ON feed BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

CREATE TRIGGER op_no_delete BEFORE DELETE ON op BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

CREATE TRIGGER op_no_update BEFORE UPDATE ON op BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

CREATE TRIGGER redemption_no_delete BEFORE DELETE ON redemption BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

CREATE TRIGGER redemption_no_update BEFORE UPDATE ON redemption BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END;

