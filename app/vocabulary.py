"""The words for every closed list of the domain: kinds, states, channels, acts, rules of the trade.

Keys are what services return; values are English source texts, shown through `word`.
"""

from app.words import tr

Words = dict[str, str]

KINDS: Words = {
    "fixed": "Fixed value card",
    "variable": "Variable value card",
    "exchange": "Exchange voucher",
    "supplier": "Supplier code",
}

FORMS: Words = {
    "stored_value": "Stored-value card",
    "voucher": "Voucher",
    "membership": "Membership",
    "course": "Course code",
    "supplier_code": "Supplier code",
}

PURPOSES: Words = {"sell": "Sell cards", "welfare": "Give welfare", "shop": "Redeem in shop"}

BATCH_STATES: Words = {
    "generating": "Unfinished",
    "ready": "Ready",
    "published": "Published",
    "frozen": "Frozen",
    "voided": "Voided",
    "expired": "Expired",
}

CARD_STATES: Words = {
    "in_stock": "In stock",
    "assigned": "Assigned",
    "active": "Active",
    "spent": "Redeemed",
    "voided": "Voided",
    "frozen": "Frozen",
    "expired": "Expired",
}

CARD_VALIDITY: Words = {
    "valid": "Valid now",
    "ending": "Ends within 30 days",
    "expired": "Expired",
    "endless": "Does not expire",
    "days": "Ends from – to",
}

LEASE_STATES: Words = {
    "open": "In force",
    "returning": "Being given back",
    "returned": "Given back",
    "reclaimed": "Reclaimed",
    "left": "Ended with the change of endpoint",
}

LEASES_SHOWN: Words = {"all": "In force and ended"}
CONFLICTS_SHOWN: Words = {"all": "Settled ones, too"}

CONFLICT_WAYS: Words = {"loss": "Written off", "contacted": "Customer contacted", "undone": "Goods taken back"}

REMOVED_KINDS: Words = {"product": "Product", "batch": "Batch", "person": "Person"}

DELIVERY_STATES: Words = {
    "prepared": "Prepared",
    "released": "Released",
    "sending": "Sending",
    "sent": "Sent",
    "delivered": "Delivered",
    "claimed": "Claimed",
    "failed": "Failed",
    "uncertain": "Uncertain",
    "recalled": "Recalled",
    "skipped": "Skipped",
}

DISTRIBUTION_STATES: Words = {
    "prepared": "Prepared",
    "sending": "Sending",
    "paused": "Paused",
    "finished": "Finished",
    "cancelled": "Cancelled",
}

CHANNELS: Words = {
    "file": "File",
    "print": "Print",
    "email": "Mail",
    "direct": "Direct",
}

ENTRIES: Words = {
    "link": "Link",
    "pickup": "Pick-up page",
    "code": "Phone page",
    "counter": "Counter",
}

DELIVERY_REASONS: Words = {
    "already-given": "Has this benefit already",
    "listed-twice": "Stands in the list twice",
    "has-left": "Has left",
    "removed": "Lies in the recycle bin",
    "no-rule": "Gets nothing by the rules",
    "no-email": "No mail address",
    "bad-address": "The mail address is not valid",
    "no-phone": "No phone number to ask for",
    "no-employee-no": "No employee number to ask for",
    "auth-refused": "The mail server refused the login",
    "recipient-refused": "The mail server refused the address",
    "mail-refused": "The mail server refused the mail",
    "connection-lost": "The line broke",
    "rate-limited": "Too many mails at once",
    "server-busy": "The mail server is busy",
    "link-refused": "The endpoint refused the link",
    "card-voided": "The card was voided before it went out",
    "opened-first": "Was opened before it could be taken back",
    "interrupted": "Interrupted while sending",
    "cancelled": "Cancelled",
}

DELIVERY_REPAIRS: Words = {
    "email": "Mend the address",
    "phone": "Mend the phone number",
    "employee_no": "Mend the employee no.",
    "settings": "To the mail settings",
    "retry": "Send again",
    "again": "Send again",
}

DELIVERY_ADVICE: Words = {
    "no-email": "Type the address here and the mail goes, or print the card.",
    "bad-address": "Compare the address sign by sign, or print the card.",
    "recipient-refused": "Ask for the right address and mend it here: the same link goes there. Or print the card.",
    "no-phone": "The link asks for its last digits: type the number, or print the card.",
    "no-employee-no": "The link asks for it: type the number, or print the card.",
    "auth-refused": "Check the user name and the authorisation code in the settings, then send again.",
    "mail-refused": "Read what the server says; often it takes the words for advertising. Or print the card.",
    "connection-lost": "Nothing has left. Send again when the network is back.",
    "rate-limited": "Send again in ten minutes, or set fewer mails in 10 minutes next time.",
    "server-busy": "It was tried several times. Send again later, or print the card.",
    "link-refused": "Sent again, it gets a new link.",
    "card-voided": "Sent again, the person gets another card.",
    "removed": "Restore the person from the recycle bin, then send again.",
    "opened-first": "The holder has the card: nothing needs to be done.",
    "uncertain": "The mail had left when the line broke: it may have arrived. Ask the person, or send it again.",
}

LETTER_FIELDS: Words = {
    "name": "Full name",
    "product": "Product",
    "amount": "Amount",
    "merchant": "Merchant",
    "link": "Link",
    "valid_until": "Valid until",
    "note": "Note",
    "pickup_code": "Pick-up code",
    "pickup_url": "Pick-up page",
}

LETTER_FLAWS: Words = {
    "no-subject": "The mail needs a subject.",
    "no-way-in": "The mail needs the link or the pick-up code: without it nobody gets the card.",
    "unknown-field": "There is no such field: it would be sent as it stands.",
    "secret-in-subject": "A link or a code does not belong into the subject: locked phones show it.",
    "empty-field": "There is nothing to put in here.",
    "stray-brace": "A curly bracket stands alone: a field stands between two of them.",
    "code-without-page": "The pick-up code stands there without the page to type it in.",
    "long-subject": "Phones cut the subject: about 20 Chinese characters are shown.",
}

HAPPENED: Words = {
    "generated": "Generated",
    "imported": "Imported",
    "released": "Codes released",
    "sealed": "Sealed at the endpoint",
    "assigned": "Assigned",
    "sent": "Sent",
    "opened": "Opened",
    "claimed": "Claimed",
    "recalled": "Recalled",
    "frozen": "Frozen",
    "redeemed": "Redeemed",
    "reversed": "Reversed",
    "topped_up": "Topped up",
    "refunded": "Refunded",
}

CODE_FORMATS: Words = {"SHORT": "Short", "STANDARD": "Standard", "LONG": "Long", "SUPPLIER": "Supplier code"}
"""How long the codes of a batch are; an own pattern stands for itself."""

SETTINGS: Words = {
    "merchant.name": "Merchant name",
    "merchant.phone": "Service phone",
    "merchant.purpose": "What this desk is for",
    "look.language": "Language",
    "lock.idle_minutes": "Lock when idle for",
    "backup.folder": "Folder of the backups",
    "backup.on_exit": "Back up when the program is closed",
    "backup.every_hours": "Hours between backups",
    "backup.last": "Last backup",
    "cloud.lan_address": "Address of the endpoint in the network",
    "lists.views": "Views of lists",
    "counter.place": "Place of the counter",
    "counter.offline_uses": "Uses that may wait for upload",
    "counter.offline_minor": "Amount that may wait for upload",
    "mail.server": "Mail server",
    "recovery.confirmed": "Recovery key confirmed",
}

FIELDS: Words = {
    "name": "Full name",
    "phone": "Mobile phone",
    "email": "E-mail",
    "employee_no": "Employee no.",
    "department": "Department",
    "contact": "Mobile phone, e-mail or employee no.",
}

SUPPLIER_FIELDS: Words = {
    "card_no": "Card no.",
    "password": "Password",
    "pin": "PIN",
    "link": "Link",
    "code": "Redemption code",
    "valid_until": "Valid until",
    "face": "Face value",
}

ROW_FAULTS: Words = {
    "name-missing": "The name is empty",
    "not-a-name": "What stands there is not a name",
    "formula-error": "A formula went wrong; nothing stands here",
    "total-line": "A line of totals, not a person",
    "no-contact": "There is no phone, e-mail or employee no.",
    "phone-wrong": "Not a mobile number",
    "phone-several": "More than one number in the cell",
    "phone-damaged": "Excel has rounded the number; the digits are lost",
    "email-wrong": "Not an e-mail address",
    "number-damaged": "Excel has damaged the number",
    "unreadable": "Signs that cannot be read",
    "duplicate-phone": "The phone belongs to another name in the list",
    "duplicate-email": "The e-mail belongs to another name in the list",
    "duplicate-employee-no": "The employee no. belongs to another name in the list",
}

ROW_REPAIRS: Words = {
    "phone-normalised": "Blanks, dashes, +86 or wide digits taken out",
    "phone-from-number": "Number cell turned into a phone",
    "email-normalised": "Blanks or wide signs taken out of the address",
    "email-typo": "Misspelt mail domain put right",
    "name-normalised": "Blanks taken out of the name",
    "number-normalised": "Blanks or decimals taken out of the number",
}

ROW_WARNINGS: Words = {
    "phone-prefix-unknown": "A range of numbers that is not known to be in use",
    "name-odd": "An unusual name",
    "employee-no-zeros": "Excel has probably dropped leading zeros",
    "person-left": "Has left",
    "person-removed": "Lies in the recycle bin, comes back with this list",
}

RULES: Words = {
    "bearer-over-1000": "A bearer stored-value card holds at most ¥1,000.",
    "named-over-5000": "A named stored-value card holds at most ¥5,000.",
    "named-never-expires": "A named stored-value card does not expire.",
    "bearer-three-years": "A bearer stored-value card is valid for at least three years.",
    "multi-purpose-licence": "A card that can be used at other companies needs a payment licence.",
    "prepaid-invoice-601": "At sale: ordinary invoice, code 601, no VAT. VAT is due at redemption.",
    "welfare-counts-as-wages": "Welfare cards count as wages when given to staff: see the receipt for the sum each.",
}


STEPS: Words = {
    "people": "Import a list of people",
    "batch": "Generate codes",
    "mail": "Set up the mail server",
    "endpoint": "Connect the endpoint",
    "backup": "Make a backup",
}

SLIPS: Words = {
    "genuine": "Genuine receipt",
    "changed": "Not genuine",
    "damaged": "Receipt unreadable",
    "device-unknown": "Cannot be checked",
    "other-merchant": "Another merchant's",
}
"""Whether a slip is genuine."""

BOOKED: Words = {
    "booked": "In this ledger just so.",
    "waits": "In this ledger, waits for upload.",
    "undone": "In this ledger: undone since. The card has it back.",
    "differs": "This ledger has something else under the same number.",
    "conflict": "Uploaded, and the card could not pay it any more: see the conflicts.",
    "missing": "Not in this ledger yet.",
}
"""What the ledger has of a genuine slip."""

FESTIVALS: Words = {
    "spring": "Spring Festival",
    "dragon_boat": "Dragon Boat Festival",
    "mid_autumn": "Mid-Autumn Festival",
}


def word(words: Words, key: str) -> str:
    """The text for a key in the current language; an unknown key is shown as it is."""
    return tr(words[key]) if key in words else key
