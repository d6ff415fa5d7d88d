import { bindOtp } from './bind.js'

for (const root of document.querySelectorAll<HTMLElement>('[data-otp]')) bindOtp(root)
