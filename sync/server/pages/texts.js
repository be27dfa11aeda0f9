// Every text of the page: key → [Chinese, English].

const TEXTS = {
	title: ["你的卡", "Your card"],
	aCard: ["一张卡", "A card"],
	hidden: ["打开后可见", "Shown once opened"],
	waiting: ["你收到一张{merchant}的卡", "You have received a card from {merchant}"],
	waitingHint: ["点下面的按钮打开，卡码只显示给你", "Tap below to open it; the code is shown only to you"],
	claimed: ["你已领取这张卡", "You have claimed this card"],
	claim: ["立即领取", "Claim now"],
	view: ["查看卡片", "View card"],
	chipWaiting: ["待领取", "To claim"],
	chipClaimed: ["已领取", "Claimed"],
	chipActive: ["可用", "Ready"],
	chipSpent: ["已用完", "Used up"],
	gateTitle: ["确认是你本人", "Confirm it is you"],
	phone_tail: ["手机号后 4 位", "Last 4 digits of your phone"],
	employee_no: ["工号", "Employee number"],
	either: ["手机号后 4 位或工号", "Last 4 phone digits or employee number"],
	gateHint: ["用来确认这张卡是发给你的", "It confirms that this card was sent to you"],
	gateWrong: ["对不上，请检查", "That does not match"],
	tailShort: ["请输入 4 位数字", "Enter 4 digits"],
	valueMissing: ["请填写这一项", "Please fill this in"],
	confirm: ["确认", "Confirm"],
	pickupHead: ["用提取码取卡", "Pick up with a code"],
	pickupHint: ["提取码在你收到的消息里，整条粘贴也可以", "It is in your message; you may paste it all"],
	pickupCode: ["提取码", "Pick-up code"],
	pickupUnknown: ["没有找到这张卡，请核对提取码和手机尾号或工号", "No card found; check both fields"],
	codeMissing: ["请输入提取码", "Enter the pick-up code"],
	codeShort: ["还差 {count} 个字符，共 14 个", "{count} more to go, 14 in all"],
	codeLong: ["多了 {count} 个字符，共 14 个", "{count} too many, 14 in all"],
	codeForeign: ["第 {place} 个字符“{symbol}”不会出现在提取码里", "Character {place}, “{symbol}”, never appears in a code"],
	codeSuspect: ["第 {place} 个字符“{symbol}”看起来不对", "Character {place}, “{symbol}”, looks wrong"],
	codeWrong: ["提取码有误，请对照消息再看一眼", "Wrong code; compare it with your message"],
	code: ["卡码", "Code"],
	copy: ["复制", "Copy"],
	copyCode: ["复制卡码", "Copy code"],
	copyOf: ["复制{name}", "Copy {name}"],
	copied: ["已复制", "Copied"],
	copyFailed: ["复制不了，请长按选择", "Could not copy; hold to select"],
	scan: ["向店员出示", "Show this at the counter"],
	until: ["有效至 {when}", "Valid until {when} Beijing time"],
	always: ["长期有效", "No expiry date"],
	holder: ["持卡人 {name}", "Issued to {name}"],
	amountLeft: ["余额", "Balance"],
	uses: ["{count} 次", "{count} ×"],
	usesLeft: ["剩余次数", "Uses left"],
	target: ["复制并去使用", "Copy and use it"],
	redeem: ["立即兑换", "Redeem now"],
	sheetTitle: ["现在兑换吗？", "Redeem now?"],
	sheetHint: ["兑换后不能撤销，请在使用时再点", "Cannot be undone; do it when you use the card"],
	resume: ["上次的兑换没有完成，要继续吗？", "Your last one did not finish. Go on?"],
	amount: ["兑换金额", "Amount"],
	all: ["全部", "All"],
	amountMax: ["最多 {max}", "At most {max}"],
	amountBad: ["请输入金额，例如 20 或 20.50", "Enter an amount such as 20 or 20.50"],
	amountOver: ["余额只有 {max}，请改小一点", "The balance is {max}; enter less"],
	count: ["兑换次数", "Uses"],
	fewer: ["减 1 次", "One fewer"],
	more: ["加 1 次", "One more"],
	confirmRedeem: ["确认兑换", "Redeem"],
	cancel: ["先不兑换", "Not now"],
	redeeming: ["正在兑换…", "Redeeming…"],
	"card-not-yet": ["这张卡还没到可用的日子", "This card is not valid yet"],
	"card-leased": ["请到店里的核销台使用", "Use it at the shop's counter"],
	invalid: ["这次兑换没有成功，请再试一次", "That did not work; please try again"],
	changed: ["卡的余额变了，请再看一眼", "The balance has changed; please check"],
	done: ["兑换成功", "Redeemed"],
	doneHint: ["{what} · 剩余 {left}", "{what} · {left} left"],
	finish: ["完成", "Done"],
	running: ["正在确认兑换结果", "Confirming your redemption"],
	runningHint: ["网络不稳，会自动再问；不会重复兑换", "We keep asking and never redeem twice"],
	askAgain: ["现在再问", "Ask again now"],
	history: ["使用记录", "History"],
	redeemed: ["兑换", "Redeemed"],
	reversed: ["退回", "Returned"],
	topped_up: ["充值", "Topped up"],
	refunded: ["退卡", "Refunded"],
	spent: ["这张卡已用完", "This card is used up"],
	unsealed: ["这张卡还在准备中", "This card is being prepared"],
	unsealedHint: ["过几分钟再打开就好", "Try again in a few minutes"],
	expired: ["这张卡已过期", "This card has expired"],
	expiredHint: ["可以联系商家，问问能不能延期", "Ask the merchant to extend it"],
	frozen: ["这张卡已冻结，暂时不能用", "This card is frozen for now"],
	frozenHint: ["卡没有丢，请联系商家了解原因", "Nothing is lost; ask the merchant why"],
	voided: ["这张卡已作废", "This card was cancelled"],
	"link-recalled": ["这张卡已被收回", "This card was taken back"],
	"link-expired": ["领取时间已过", "The time to claim has passed"],
	"link-unknown": ["链接不对或不完整", "This link is wrong or incomplete"],
	"link-unknownHint": ["请回到收到的消息，重新点一次链接", "Tap the link in your message again"],
	damaged: ["这张卡打不开", "This card cannot be opened"],
	offline: ["网络断开了", "You are offline"],
	offlineHint: ["连上网络后再试，卡还在这里", "Connect and try again; your card is safe"],
	slow: ["操作太快了，请等 {seconds} 秒", "Too fast; please wait {seconds} s"],
	slowReady: ["可以再试了", "Try again now"],
	contact: ["如有疑问，请联系发卡给你的人", "Ask whoever sent it to you"],
	slowHint: ["这是为了保护你的卡", "This protects your card"],
	failed: ["出了点问题", "Something went wrong"],
	failedHint: ["请稍后再试，卡还在这里", "Try again later; your card is safe"],
	old: ["这个浏览器太旧，打不开卡", "This browser is too old"],
	oldHint: ["请换一个浏览器打开原来的链接", "Open the link in another browser"],
	retry: ["再试一次", "Try again"],
	help: ["有问题？致电{merchant} {phone}", "Questions? Call {merchant} {phone}"],
};

const COLUMN = navigator.language.toLowerCase().startsWith("zh") ? 0 : 1;
export const LANGUAGE = ["zh-CN", "en"][COLUMN];

/** The text of a key; empty where there is none. */
export function t(key, values = {}) {
	return (TEXTS[key]?.[COLUMN] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const money = (minor) => `¥${(minor / 100).toLocaleString("zh-CN", { minimumFractionDigits: 2 })}`;
export const times = (count) => t("uses", { count });

/** `2026-12-31 23:59:59` on the clock of Beijing, where every merchant's day ends. */
export function moment(iso, seconds = true) {
	const parts = {};
	const format = new Intl.DateTimeFormat("en-GB", {
		timeZone: "Asia/Shanghai", hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
		hour: "2-digit", minute: "2-digit", second: "2-digit",
	});
	for (const { type, value } of format.formatToParts(new Date(iso))) parts[type] = value;
	const clock = `${parts.hour}:${parts.minute}${seconds ? `:${parts.second}` : ""}`;
	return `${parts.year}-${parts.month}-${parts.day} ${clock}`;
}

/** Fen of a typed amount, or null. Reads full-width signs, `¥`, 1,000. */
export function readMoney(typed) {
	const plain = typed.normalize("NFKC").replace(/[¥元\s]|,(?=\d{3}(?!\d))/g, "").replace("。", ".");
	if (!/^\d{1,9}(\.\d{0,2})?$/.test(plain)) return null;
	return Math.round(Number(plain) * 100);
}
