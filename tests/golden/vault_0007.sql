CREATE TABLE audit_checkpoint (
	entry_id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	hash BLOB NOT NULL, 
	signature BLOB NOT NULL, 
	CONSTRAINT pk_audit_checkpoint PRIMARY KEY (entry_id)
);

CREATE TABLE audit_entry (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	details JSON NOT NULL, 
	hash BLOB NOT NULL, 
	mac BLOB NOT NULL, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (id)
);

CREATE TABLE batch (
	id INTEGER NOT NULL, 
	uid BLOB NOT NULL, 
	serial VARCHAR NOT NULL, 
	product_id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	format VARCHAR NOT NULL, 
	code_length INTEGER NOT NULL, 
	quantity INTEGER NOT NULL, 
	made INTEGER NOT NULL, 
	taken INTEGER NOT NULL, 
	first_card_id INTEGER NOT NULL, 
	face_minor INTEGER, 
	uses INTEGER NOT NULL, 
	valid_from BIGINT, 
	valid_until BIGINT, 
	state VARCHAR NOT NULL, 
	frozen_at BIGINT, 
	released_at BIGINT, 
	sealed_at BIGINT, 
	data_key BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_batch PRIMARY KEY (id), 
	CONSTRAINT ck_batch_state CHECK (state IN ('generating', 'ready', 'published', 'voided')), 
	CONSTRAINT ck_batch_made CHECK (made >= 0 AND made <= quantity), 
	CONSTRAINT ck_batch_taken CHECK (taken >= 0 AND taken <= quantity), 
	CONSTRAINT fk_batch_product_id_product FOREIGN KEY(product_id) REFERENCES product (id), 
	CONSTRAINT uq_batch_first_card_id UNIQUE (first_card_id), 
	CONSTRAINT uq_batch_serial UNIQUE (serial), 
	CONSTRAINT uq_batch_uid UNIQUE (uid)
);

CREATE TABLE card (
	id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	frozen_at BIGINT, 
	balance_minor INTEGER, 
	uses_left INTEGER NOT NULL, 
	person_id INTEGER, 
	changed_at BIGINT NOT NULL, adjusted INTEGER DEFAULT '0' NOT NULL, voided_at BIGINT, 
	CONSTRAINT pk_card PRIMARY KEY (id), 
	CONSTRAINT ck_card_state CHECK (state IN ('in_stock', 'assigned', 'active', 'spent', 'voided')), 
	CONSTRAINT ck_card_balance CHECK (balance_minor IS NULL OR balance_minor >= 0), 
	CONSTRAINT ck_card_uses_left CHECK (uses_left >= 0), 
	CONSTRAINT fk_card_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_card_person_id_person FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE TABLE card_key (
	blind BLOB NOT NULL, 
	card_id INTEGER NOT NULL, 
	CONSTRAINT pk_card_key PRIMARY KEY (blind)
)
 WITHOUT ROWID

;

CREATE TABLE code_block (
	batch_id INTEGER NOT NULL, 
	no INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	sealed BLOB NOT NULL, 
	CONSTRAINT pk_code_block PRIMARY KEY (batch_id, no), 
	CONSTRAINT fk_code_block_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id)
);

CREATE TABLE "conflict" (
	id VARCHAR NOT NULL, 
	lease_id VARCHAR NOT NULL, 
	card_id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	uses INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	decided_at BIGINT NOT NULL, 
	found_at BIGINT NOT NULL, 
	way VARCHAR, 
	note VARCHAR, 
	settled_at BIGINT, 
	CONSTRAINT pk_conflict PRIMARY KEY (id), 
	CONSTRAINT ck_conflict_way CHECK (way IN ('loss', 'contacted', 'undone')), 
	CONSTRAINT fk_conflict_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id)
);

CREATE TABLE daily_figure (
	day VARCHAR NOT NULL, 
	hour INTEGER NOT NULL, 
	product_id INTEGER NOT NULL, 
	channel VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	count INTEGER NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	CONSTRAINT pk_daily_figure PRIMARY KEY (day, hour, product_id, channel, metric)
);

CREATE TABLE "delivery" (
	id INTEGER NOT NULL, 
	distribution_id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	no INTEGER NOT NULL, 
	product_id INTEGER, 
	wanted_minor INTEGER, 
	channel VARCHAR NOT NULL, 
	change_to VARCHAR, 
	card_id INTEGER, 
	amount_minor INTEGER, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	said VARCHAR, 
	retryable BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	message_id VARCHAR NOT NULL, 
	link_id VARCHAR, 
	link_secret VARCHAR, 
	pickup_code VARCHAR, 
	link_stored_at BIGINT, 
	sent_at BIGINT, 
	delivered_at BIGINT, 
	opened_at BIGINT, 
	claimed_at BIGINT, 
	recalled_at BIGINT, 
	CONSTRAINT pk_delivery PRIMARY KEY (id), 
	CONSTRAINT ck_delivery_state CHECK (state IN ('prepared', 'released', 'sending', 'sent', 'delivered', 'claimed', 'failed', 'uncertain', 'recalled', 'skipped')), 
	CONSTRAINT fk_delivery_distribution_id_distribution FOREIGN KEY(distribution_id) REFERENCES distribution (id), 
	CONSTRAINT fk_delivery_person_id_person FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_delivery_product_id_product FOREIGN KEY(product_id) REFERENCES product (id), 
	CONSTRAINT uq_delivery_distribution_id_person_id_no UNIQUE (distribution_id, person_id, no)
);

CREATE TABLE distribution (
	id INTEGER NOT NULL, 
	uid BLOB NOT NULL, 
	name VARCHAR NOT NULL, 
	product_id INTEGER NOT NULL, 
	channel VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	template JSON NOT NULL, 
	roster_hash VARCHAR, 
	out_folder VARCHAR, 
	state VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	scheduled_at BIGINT, 
	finished_at BIGINT, 
	CONSTRAINT pk_distribution PRIMARY KEY (id), 
	CONSTRAINT fk_distribution_product_id_product FOREIGN KEY(product_id) REFERENCES product (id), 
	CONSTRAINT uq_distribution_uid UNIQUE (uid)
);

CREATE TABLE lease (
	id VARCHAR NOT NULL, 
	batch_id INTEGER NOT NULL, 
	first_card_id INTEGER NOT NULL, 
	end_card_id INTEGER NOT NULL, 
	device_id VARCHAR NOT NULL, 
	device_name VARCHAR NOT NULL, 
	incarnation VARCHAR NOT NULL, 
	until BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	taken_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_lease PRIMARY KEY (id), 
	CONSTRAINT ck_lease_state CHECK (state IN ('open', 'returning', 'returned', 'reclaimed', 'left')), 
	CONSTRAINT fk_lease_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id)
);

CREATE TABLE number (
	n INTEGER NOT NULL, 
	CONSTRAINT pk_number PRIMARY KEY (n)
);

CREATE TABLE outbox_op (
	id INTEGER NOT NULL, 
	op_id VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	aggregate VARCHAR NOT NULL, 
	lane VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	problem JSON, 
	attempts INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	in_flight_since BIGINT, 
	answered_at BIGINT, 
	seq INTEGER, 
	CONSTRAINT pk_outbox_op PRIMARY KEY (id), 
	CONSTRAINT ck_outbox_op_state CHECK (state IN ('waiting', 'in_flight', 'applied', 'rejected', 'withdrawn')), 
	CONSTRAINT uq_outbox_op_op_id UNIQUE (op_id)
);

CREATE TABLE person (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	pinyin_key VARCHAR NOT NULL, 
	search VARCHAR NOT NULL, 
	employee_no VARCHAR, 
	department VARCHAR NOT NULL, 
	phone VARCHAR, 
	phone_tail VARCHAR, 
	email VARCHAR, 
	left_at BIGINT, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_person PRIMARY KEY (id)
);

CREATE TABLE product (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	form VARCHAR NOT NULL, 
	named BOOLEAN NOT NULL, 
	currency VARCHAR NOT NULL, 
	face_minor INTEGER, 
	min_minor INTEGER, 
	max_minor INTEGER, 
	step_minor INTEGER, 
	uses INTEGER NOT NULL, 
	partial BOOLEAN NOT NULL, 
	valid_days INTEGER, 
	valid_until BIGINT, 
	target_url VARCHAR, 
	description VARCHAR NOT NULL, 
	archived_at BIGINT, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_product PRIMARY KEY (id), 
	CONSTRAINT ck_product_kind CHECK (kind IN ('fixed', 'variable', 'exchange', 'supplier')), 
	CONSTRAINT ck_product_face CHECK (face_minor IS NULL OR face_minor >= 0), 
	CONSTRAINT ck_product_uses CHECK (uses >= 1)
);

CREATE TABLE "raw_event" (
	seq INTEGER NOT NULL, 
	epoch VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	at BIGINT NOT NULL, 
	op_id VARCHAR, 
	CONSTRAINT pk_raw_event PRIMARY KEY (seq, epoch)
);

CREATE TABLE "redemption" (
	id VARCHAR NOT NULL, 
	seq INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	card_id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	product_id INTEGER NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	uses INTEGER NOT NULL, 
	remaining_minor INTEGER, 
	remaining_uses INTEGER, 
	reverses VARCHAR, 
	reason VARCHAR, 
	channel VARCHAR NOT NULL, 
	entry VARCHAR NOT NULL, 
	place VARCHAR, 
	region VARCHAR, 
	device_class VARCHAR, 
	at BIGINT NOT NULL, 
	lease_id VARCHAR, 
	receipt BLOB, 
	CONSTRAINT pk_redemption PRIMARY KEY (id), 
	CONSTRAINT ck_redemption_kind CHECK (kind IN ('redeemed', 'reversed', 'topped_up', 'refunded'))
);

CREATE TABLE reminder (
	id INTEGER NOT NULL, 
	delivery_id INTEGER NOT NULL, 
	message_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	said VARCHAR, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_reminder PRIMARY KEY (id), 
	CONSTRAINT ck_reminder_state CHECK (state IN ('sending', 'sent', 'failed', 'uncertain')), 
	CONSTRAINT fk_reminder_delivery_id_delivery FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);

CREATE TABLE removal (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	record_id INTEGER NOT NULL, 
	froze BOOLEAN NOT NULL, 
	removed_at BIGINT NOT NULL, 
	purged_at BIGINT, 
	CONSTRAINT pk_removal PRIMARY KEY (id), 
	CONSTRAINT ck_removal_kind CHECK (kind IN ('product', 'batch', 'person')), 
	CONSTRAINT uq_removal_kind_record_id UNIQUE (kind, record_id)
);

CREATE TABLE setting (
	"key" VARCHAR NOT NULL, 
	value JSON NOT NULL, 
	CONSTRAINT pk_setting PRIMARY KEY ("key")
);

CREATE INDEX ix_batch_product_id ON batch (product_id);

CREATE INDEX ix_card_adjusted ON card (state) WHERE adjusted != 0;

CREATE INDEX ix_card_batch_state ON card (batch_id, state);

CREATE INDEX ix_card_person ON card (person_id);

CREATE INDEX ix_card_state_changed ON card (state, changed_at);

CREATE INDEX ix_conflict_card ON "conflict" (card_id);

CREATE INDEX ix_delivery_card ON delivery (card_id);

CREATE INDEX ix_delivery_distribution_state ON delivery (distribution_id, state);

CREATE UNIQUE INDEX ix_delivery_link ON delivery (link_id);

CREATE INDEX ix_delivery_person ON delivery (person_id);

CREATE INDEX ix_lease_state ON lease (state);

CREATE INDEX ix_outbox_op_aggregate ON outbox_op (aggregate);

CREATE INDEX ix_outbox_op_state ON outbox_op (state, id);

CREATE INDEX ix_person_email ON person (email);

CREATE INDEX ix_person_employee_no ON person (employee_no);

CREATE INDEX ix_person_phone ON person (phone);

CREATE INDEX ix_person_phone_tail ON person (phone_tail);

CREATE INDEX ix_person_pinyin_key ON person (pinyin_key, id);

CREATE INDEX ix_raw_event_op ON raw_event (op_id);

CREATE INDEX ix_redemption_at ON redemption (at);

CREATE INDEX ix_redemption_batch_at ON redemption (batch_id, at);

CREATE INDEX ix_redemption_card ON redemption (card_id);

CREATE INDEX ix_redemption_lease ON redemption (lease_id) WHERE lease_id IS NOT NULL;

CREATE INDEX ix_redemption_reverses ON redemption (reverses);

CREATE INDEX ix_redemption_seq ON redemption (seq);

CREATE INDEX ix_reminder_delivery ON reminder (delivery_id);

CREATE TRIGGER audit_checkpoint_no_delete BEFORE DELETE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

