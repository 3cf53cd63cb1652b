"""Two trust domains: checks in a judging process, the code under test in another, values between them.

`values` what may cross the border, `shared` which containers both sides hold, `channel` frames, `far` the judge's end,
`mirrors` its stand-ins, `imports` where its imports lead, `checks` and `compare` what it asks and expects, `answer` the
candidate's end and `program` what that runs from standard input to standard output.
"""
