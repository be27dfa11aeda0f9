"""The words for every AppError: one sentence that says what is wrong and what to do.

The command line and the window say the same sentence, so it lives beside neither of them.
"""

from app import errors
from app.errors import AppError
from app.words import tr, yuan

WORDS: dict[type[AppError], str] = {
    errors.WrongPassphrase: "The passphrase is not right. Try again, or open the vault with the recovery key.",
    errors.WrongRecoveryKey: "This recovery key does not open the vault. Compare it with the printed sheet.",
    errors.KeychainSilent: "The keychain of this machine did not open the vault. Type the passphrase.",
    errors.VaultMissing: "There is no vault in {path}. Create one, or choose another folder.",
    errors.VaultExists: "There is already a vault in {path}. Open it, or choose another folder.",
    errors.VaultInUse: "The vault in {path} is open in another window. Use that window, or close it first.",
    errors.VaultDamaged: "The vault file {path} is damaged. Nothing was changed; restore the latest backup.",
    errors.VaultNewer: "This vault was written by a newer version ({found}). Update Kaxia, then open it again.",
    errors.KeySlotsDamaged: "The key file {path} is damaged. Nothing was changed; restore it from a backup.",
    errors.WeakPassphrase: "This passphrase is easy to guess. Add two or three unrelated words.",
    errors.DiskFull: "The disk with {path} is full. Nothing already saved is lost; free some space and try again.",
    errors.NotWritable: "{path} cannot be written to. Check the permissions, or choose another folder.",
    errors.VaultBusy: "Another program is writing to the vault. Wait a moment and try again.",
    errors.BackupDamaged: "The backup {path} is damaged ({part}). Choose an older one.",
    errors.BackupOfOtherVault: "The backup {path} belongs to another vault. Choose one made by this vault.",
    errors.NotFound: "There is no {what} {which}. Check the number, or look it up in the list.",
    errors.InvalidInput: "{field}: {reason}",
    errors.CountMismatch: "You typed {typed}; the count is {expected}. Nothing was done.",
    errors.ReasonMissing: "Give a reason first; it is kept in the audit log.",
    errors.ProgramFault: "Something went wrong inside Kaxia ({kind}). Everything saved before is safe; the log in "
    "{path} says more.",
    errors.RuleOverrideNeeded: "A rule of the trade speaks against this. Change it, or go on with a reason.",
    errors.QuantityOutOfRange: "A batch holds 1 to {limit} cards; {asked} were asked for.",
    errors.PatternTooWeak: "This pattern has {bits} bits; at least {needed} are needed. Add more # signs.",
    errors.BatchNotGenerating: "Batch {batch_id} is finished. Only an unfinished batch can be continued or discarded.",
    errors.BatchUnfinished: "Batch {serial} is not finished. Continue or discard it first.",
    errors.BatchVoided: "Batch {serial} was voided. Make a new batch.",
    errors.BatchUnreadable: "The codes of this batch cannot be read: the file was changed. Restore the latest backup.",
    errors.InBin: "This {what} lies in the recycle bin: {which}. Restore it first.",
    errors.BatchInUse: "Batch {serial} cannot be removed: {cards} of its cards are out and live, with {balance_minor} "
    "on them. Void the batch first.",
    errors.ProductInUse: "{name} cannot be removed: {batches} of its batches are live. Void or remove those first.",
    errors.CardSpent: "Card {serial} is spent or voided already. Nothing was changed.",
    errors.NotEnoughCards: "{product}: {have} cards are in stock and {need} are needed. Make or import the rest first.",
    errors.FileUnreadable: "{path} cannot be read: {reason}",
    errors.ColumnDamaged: "Column {column}: {count} long numbers have lost their last digits in Excel and cannot be "
    "restored. Export the list again with this column formatted as text (in Excel: Format Cells, Text, before the "
    "numbers are entered), or import without it.",
    errors.DeliveriesOpen: "{people} of these people have cards underway. Send or recall those first.",
    errors.NoEndpoint: "This way of delivery needs the phone page. Connect an endpoint first, or choose file or print.",
    errors.OverBudget: "The cards come to {total_minor}, over the budget of {budget_minor}. Nothing was taken. Change "
    "the rules or the budget.",
    errors.MailServerRefused: "Mail cannot be sent: {reason} Nothing was lost; try again after that.",
    errors.AlreadyHandedOut: "{count} of these cards are on paper or in a file already. Take them back instead; "
    "their codes are then voided.",
    errors.ZipPasswordNeeded: "The file of {name} is protected. Type a password for it; nothing was written.",
    errors.AlreadyClaimed: "{count} of these cards were opened or used already and cannot be taken back.",
    errors.DistributionRunning: "{name} is being delivered at this moment. Wait for it, or pause it first.",
    errors.EndpointUnreachable: "The endpoint does not answer. Everything else works; what waits goes out next time.",
    errors.EndpointMissing: "There is no endpoint yet. Start the one on this machine, or pair with one in the cloud.",
    errors.OldEndpointSilent: "The present endpoint ({host}) does not answer, and a move begins with a last sync with "
    "it. Try again later. Leave it without one only when it is gone for ever.",
    errors.LeavingUnconfirmed: "Redemptions that {host} accepted after the last sync are not known here: those cards "
    "could be redeemed once more at the new endpoint. Links that lead to {host} die. Type {host} to confirm.",
    errors.OldEndpointAnswers: "{host} answers. Nothing was left behind; move the usual way, with a last sync.",
    errors.EndpointRefused: "The endpoint refused this: {reason}",
    errors.EndpointNotStarted: "The embedded endpoint could not be started ({where}). Nothing was lost; try again.",
    errors.CodeMistyped: "A sign of this code is mistyped. Compare it sign by sign.",
    errors.PinWrong: "This is not the manager's PIN. Tries left: {left}.",
    errors.PinLocked: "The PIN was wrong too often. Try again in {minutes} minutes, or connect and sync.",
    errors.RedemptionUncertain: "The answer got lost. Do not redeem again; the next sync tells what happened.",
    errors.RedemptionRefused: "Not redeemed: {reason}",
    errors.PaymentUncertain: "The answer got lost. Do not enter it again; the next sync tells what happened.",
    errors.PaymentRefused: "Nothing was put on or paid out: {reason}",
    errors.SlipRefused: "There is no receipt for this: {reason}",
    errors.OverCardLimit: "The card would hold {would_minor}; a rule of the trade lets it hold {most_minor}. Put less "
    "onto it, or confirm that it is to hold more.",
}

NOUNS: dict[str, str] = {
    "product": "product",
    "batch": "batch",
    "conflict": "conflict",
    "lease": "lease",
    "card": "card",
    "person": "person",
    "department": "department",
    "distribution": "distribution",
    "delivery": "delivery",
    "redemption": "redemption",
    "op": "entry",
    "backup": "backup",
    "setting": "setting",
    "view": "view",
    "device": "device",
}

FIELDS: dict[str, str] = {
    "address": "Address",
    "amount": "Amount",
    "body": "Text of the mail",
    "budget": "Budget",
    "channel": "Channel",
    "code": "Code",
    "compare": "Comparison",
    "count": "Number of cards",
    "contact": "Mobile phone, e-mail or employee no.",
    "days": "Days",
    "delivery": "Deliveries to take back",
    "device": "Name of the device",
    "email": "E-mail",
    "employee_no": "Employee no.",
    "encoding": "Encoding",
    "face": "Face value",
    "face_minor": "Face value",
    "form": "Form in trade",
    "format": "Format",
    "from": "First day",
    "full_name": "Full name",
    "gate": "What a link asks for",
    "header_row": "Line of the headings",
    "kind": "Kind",
    "lan": "Address in the network",
    "mapping": "Columns",
    "max": "Highest amount",
    "max_minor": "Highest amount",
    "merchant": "Merchant",
    "min": "Lowest amount",
    "min_minor": "Lowest amount",
    "name": "Name",
    "note": "Note for the receivers",
    "number": "Number",
    "out": "Folder or file",
    "out_folder": "Folder or file",
    "pace": "Mails a minute",
    "passphrase": "Passphrase",
    "password_env": "Variable of the password",
    "people": "People",
    "period": "Period",
    "phone": "Mobile phone",
    "product": "Product",
    "until": "Until",
    "way": "How it was settled",
    "rule": "Rule",
    "security": "Encryption of the mail server",
    "sender": "Sender",
    "sheet": "Sheet",
    "step": "Amounts in steps of",
    "step_minor": "Amounts in steps of",
    "subject": "Subject",
    "target_url": "Address where the code is used",
    "to": "Last day",
    "url": "Address",
    "pin": "PIN",
    "pin_env": "Variable of the PIN",
    "uses": "Uses",
    "valid_days": "Days of validity",
    "valid_until": "Valid until",
    "zip_password": "Password of the ZIP",
    "zip_password_env": "Variable of the password",
    "receipt": "Receipt text",
    "role": "Role",
    "service_phone": "Service phone",
    "yes": "Confirmation",
}
"""What a person calls the fields that InvalidInput names; a setting or a variable stands as it is written."""

REASONS: dict[str, str] = {
    "required": "this cannot be empty.",
    "no-passphrase": "the passphrase is not there. Put it into this variable, or run the command in a terminal.",
    "not-the-same": "the two are not the same. Type it again.",
    "not-a-number": "this is no amount. Write it like 200.00, with two decimals at most.",
    "too-long": "this is longer than 200 signs.",
    "too-long-for-a-tab": "this is longer than 40 signs. Find a shorter name.",
    "too-long-for-a-note": "this is longer than 500 signs. Say it in fewer words.",
    "taken": "this name is taken. Find another one.",
    "too-many-views": "this list has 30 views already. Remove one first.",
    "four-to-twelve-digits": "this takes 4 to 12 digits, not all of them the same.",
    "pin-or-remove": "name its variable with --pin-env, or say --remove to have none, one of the two.",
    "out-of-range": "this is outside the allowed range.",
    "not-variable": "only a card of variable value has an amount to choose.",
    "not-a-pace": "write it like 100/10: how many mails in how many minutes.",
    "not-a-rule": 'write a rule like "R&D,Sales=3", "Sales=2:500.00" or "Admin=none".',
    "not-a-date": "this is not a date like 2027-12-31.",
    "in-the-past": "this lies in the past.",
    "unknown-kind": "this is not one of the choices.",
    "kind-has-batches": "the kind cannot change once there are batches. Make a new product.",
    "bad-pattern": "this is no code format. Use SHORT, STANDARD, LONG or a pattern like KX-####-####.",
    "supplier-codes-are-imported": "codes of this product come from the supplier. Import them from a file.",
    "not-from-a-supplier": "this product makes its own codes. Choose a product whose codes come from a supplier.",
    "no-code-column": "no column holds a code. Say which column is the card number, password, PIN, link or code, or "
    "give it that heading in the file.",
    "no-rows": "there is no row of codes in it. Choose another file.",
    "code-missing": "a part of the code is missing in this row. Fill it in and import the file again.",
    "code-parts-differ": "this row has more parts than the others. Put quotes around codes that hold the delimiter.",
    "code-unreadable": "the code holds signs that cannot be read. Ask the supplier for it again.",
    "code-hidden": "the code is partly hidden by asterisks. Ask the supplier for the full code.",
    "code-too-long": "the code is longer than 2,000 signs. Check the columns.",
    "code-became-date": "Excel has made a date of the code. Ask the supplier for a file with text cells.",
    "code-scientific": "Excel has shortened the code to a power of ten. Ask the supplier for a file with text cells.",
    "code-digits-lost": "Excel has rounded the code, digits are lost. Ask the supplier for a file with text cells.",
    "code-zeros-lost": "Excel has cut zeros in front of the code. Ask the supplier for a file with text cells.",
    "bad-signature": "this device is not known there. Pair it again.",
    "clock-skew": "this computer's clock is too far off. Set it and try again.",
    "replayed-nonce": "the request came twice. Try again.",
    "device-revoked": "this device was revoked. Pair it again.",
    "forbidden": "this device's role does not allow that. Ask an owner.",
    "restore-detected": "another copy of this vault speaks to it at the same time. Close the other one and sync again.",
    "other-merchant": "the pairing code belongs to another merchant, where the cards of this vault are never found. "
    "Ask for a code of this merchant, or pair a new vault.",
    "ledger-stays": "with this role what was redeemed cannot come along, and used cards would be good again. Ask for "
    "the code of an owner or a manager; the role can be changed afterwards.",
    "cards-stay": "with this role the cards of this vault cannot come along, and nobody could redeem them. Ask for the "
    "code of an owner, a manager or a distributor.",
    "pairing-told": "the pairing code was made, but its answer was lost. Ask for a new one.",
    "device-unknown": "it does not know this device. Load the list again.",
    "device-gone": "that device was revoked. It can only be let in again with a new code.",
    "revoke-needs-yes": "a revoked device comes back only with a new code. Say --yes if that is meant.",
    "last-owner": "this is the last owner. Make another device an owner first.",
    "not-found": "there is no endpoint at this address. Compare it with the one you were given.",
    "method-not-allowed": "there is no endpoint at this address. Compare it with the one you were given.",
    "too-large": "the request is too large for it.",
    "pairing-refused": "the pairing code is wrong, used, or older than ten minutes. Ask for a new one.",
    "batch-unknown": "it does not know this batch. Sync again.",
    "batch-closed": "another endpoint decides about this batch now, or what was redeemed there is still on its way "
    "here. Connect to that endpoint, or wait for the sync that brings it.",
    "batch-sealed": "this batch is sealed already.",
    "other-cards": "a copy of this vault has finished this batch with other cards, and those count. Make the cards "
    "of this one anew as another batch.",
    "batch-incomplete": "the upload is not complete. Sync again.",
    "held-back": "something before it was refused. Resolve that first.",
    "root-mismatch": "the uploaded cards are not the ones announced. Sync again.",
    "card-unknown": "this code is not known. Compare it sign by sign.",
    "card-spent": "this card is used up.",
    "card-voided": "this card was voided.",
    "card-frozen": "this card is frozen.",
    "batch-frozen": "the whole batch is frozen.",
    "card-expired": "this card has expired.",
    "card-not-yet": "this card is not valid yet.",
    "insufficient-balance": "the balance is too low.",
    "no-partial": "this card is redeemed as a whole, not in parts.",
    "no-money": "this card holds uses, not money.",
    "no-endpoint": "there is no endpoint yet. Connect one first.",
    "in-stock": "this card is still in stock. Give it to somebody first.",
    "slip-no-key": "this computer has no key to sign with yet. Connect an endpoint first.",
    "slip-of-another": "it was redeemed at another counter or on a phone. Only the counter that redeemed it signs one.",
    "slip-of-no-use": "only what was redeemed or undone has one, no top-up and no refund.",
    "one-of-both": "give the number of a redemption, or a text behind --check.",
    "no-receipt": "this is no receipt of a counter. Scan its QR code, or paste the text that begins with KXR1.",
    "already-reversed": "this redemption was reversed already.",
    "redemption-unknown": "there is no such redemption.",
    "not-sealed": "this batch has not reached the endpoint yet. Sync first.",
    "no-lease": "there is no line to the endpoint, and this machine holds no lease to redeem without one.",
    "shift-limit": "the limit of what may wait for upload is used up, or this amount goes beyond it. Connect and sync, "
    "or go on with a manager's PIN.",
    "lease-over": "the lease of this computer has run out. Give it back, then the card is redeemed as usual.",
    "card-leased": "a counter without a line decides about this card at the moment. Redeem it there, or take the "
    "lease back.",
    "leased-here": "another counter decides about some of your cards without a line. Have it give its lease back, or "
    "take the lease back; then connect elsewhere.",
    "lease-taken": "another counter decides about some of these cards already. Choose others, or take its lease back.",
    "lease-unknown": "it does not know this lease.",
    "lease-ended": "this lease has ended already.",
    "lease-of-another": "this lease belongs to another computer, or to this one before it was restored. A manager "
    "takes it back.",
    "conflict-unknown": "it knows no such conflict, or it is settled there already. Stop sending it.",
    "supplier-redeems": "codes from a supplier are redeemed at the supplier.",
    "link-unknown": "it does not know this link.",
    "link-claimed": "the card was claimed already.",
    "stale-version": "something newer is stored there.",
    "op-id-reused": "this entry was used for something else before.",
    "op-unknown": "this endpoint is older than this program. Update it.",
    "invalid": "the request was not well formed.",
    "feed-reset": "the endpoint was put back from a backup. Sync: it is told what it missed.",
    "recovering": "the endpoint was put back from a backup and first hears what it missed. Try again later.",
    "not-recovering": "it waits for nothing.",
    "receipt-wrong": "it did not make this receipt, or not for this entry.",
    "key-changed": "it signs with another key: this is another endpoint. Ask who runs it; pair again if it is right.",
    "feed-broken": "its history was changed. Nothing of it was taken over; ask who runs it.",
    "rate-limited": "there were too many attempts. Wait a moment.",
    "internal": "something went wrong there. Try again later.",
    "read-only": "it cannot store anything at the moment. Try again later.",
    "upgrade-required": "it speaks a newer version. Update this program.",
    "not-https": "the address must begin with https://.",
    "not-an-ip-address": "this is not an address like 192.168.1.20.",
    "no-folder": "the folder is not there, or a folder has this name. Choose another place.",
    "zip-only": "a password needs the ZIP format.",
    "no-good-row": "no row of the list can be used. `people import FILE --dry-run` says why.",
    "column-missing": "no column is chosen for it. Choose the column that holds it, or give it this heading in the "
    "file.",
    "file-missing": "the file is not there any more. Choose it again.",
    "file-not-opened": "the file cannot be opened. Close it in other programs and check the permissions.",
    "file-empty": "the file has no filled rows. Choose another file.",
    "file-too-large": "the file is larger than 200 MB. Split it and import the parts.",
    "file-no-table": "the file is not a table. Use XLSX, XLS, ODS, CSV or a text file.",
    "file-locked": "the file is protected by a password. Save it without one and try again.",
    "file-damaged": "the workbook is damaged. Open it in Excel or WPS, save it anew and try again.",
    "file-bomb": "the file unpacks to far more than a table holds. Copy the filled cells into a new workbook.",
    "mail-not-set-up": "no mail server is set up. Add one in the settings.",
    "mail-needs-tls": "mail leaves this computer only over an encrypted line.",
    "not-an-address": "this is not a mail address.",
    "auth-refused": "the mail server refused the user name or password.",
    "no-login": "the mail server offers no log-in with a password here. Ask its provider for an app password or "
    "another port.",
    "login-signs": "the user name or password holds signs that no mail server takes. Type them with an English "
    "keyboard.",
    "certificate-refused": "the mail server's certificate is not valid.",
    "no-tls": "the mail server offers no encrypted line here. Choose the other kind of encryption, or its port.",
    "server-wants-pause": "the mail server refused several mails in a row. Go on in ten minutes.",
    "server-unreachable": "the mail server cannot be reached.",
    "server-refuses": "the mail server does not take mail from here at the moment.",
    "sender-refused": "the mail server does not let this sender address send. Check it in the settings.",
    "recipient-refused": "the mail server refused the address. Check it sign by sign.",
    "mail-refused": "the mail server refused the mail itself. Look at its words and at those of the mail.",
    "connection-lost": "the line to the mail server broke.",
    "server-busy": "the mail server is busy. Try again in some minutes.",
    "not-a-phone": "this is not a mobile number.",
    "not-a-staff-number": "this is not an employee number.",
    "secret-in-subject": "a link or a pick-up code does not belong into the subject: it is shown on locked phones.",
    "unknown-field": "the text names a field that does not exist.",
    "stray-brace": "a curly bracket stands alone: a field stands between two of them.",
    "no-way-in": "the text needs a link or a pick-up code field.",
}

Words = dict[str, str]
ADDED: Words = {"said": "{words} Its own words: {said}"}
"""What is added to a sentence where an error brings it."""


def sentence(error: AppError) -> str:
    """The error in the current language. Fields named `…_minor` are shown as money, `said` is added as it is."""
    values = {name: _shown(name, value) for name, value in error.data.items()}
    words = tr(WORDS[type(error)]).format(**values)
    said = error.data.get("said")
    return tr(ADDED["said"], words=words, said=said) if said else words


def complaint(error: AppError) -> str:
    """What stands under the field that is wrong: the reason alone, for the field is named above it."""
    reason = str(error.data.get("reason", "")) if isinstance(error, errors.InvalidInput) else ""
    return reason_sentence(reason) if reason else sentence(error)


def reason_sentence(reason: str) -> str:
    """A reason that stands alone instead of behind a colon."""
    words = tr(REASONS.get(reason, reason))
    return words[:1].upper() + words[1:]


def _shown(name: str, value: object) -> str:
    if name.endswith("_minor") and isinstance(value, int):
        return yuan(value)
    if name == "what":
        return tr(NOUNS.get(str(value), str(value)))
    if name == "field":
        return tr(FIELDS.get(str(value), str(value)))
    if name == "reason":
        return tr(REASONS.get(str(value), str(value)))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
