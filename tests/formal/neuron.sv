// The neuron unit against its equations, at small widths: for every sum, state, target, nudge and random word.
//
//   drive  = requantise(total + inside nudge)          f = clip(drive, 0, 1), or clip(drive / 2, 0, 1)
//   state' = requantise(f + outside nudge), or requantise(state + dt (f - state + nudge)), or state where it rests
//
// The specification takes every number to one grid (2^-Grid) by its fraction; the unit's own shifts are not looked at.
// requantise is proven by itself (requantise.sv) and taken for granted here. The unit has no state but its pipeline,
// and starts from any contents of it: what holds once it has filled holds ever after.

`default_nettype none

module neuron_formal #(
  parameter Dynamics = 0,
  parameter Activation = 0,
  parameter Output = 1,
  parameter Inside = 1,
  parameter Rounding = 2,
  parameter Overflow = 1,
  parameter DriveSigned = 1,
  parameter Rests = 0
) (
  input wire clk_i,
  input wire signed [9:0] total_i,
  input wire signed [5:0] state_i,
  input wire target_i,
  input wire [1:0] nudge_i,
  input wire rest_i,
  input wire [31:0] drive_random_i,
  input wire [31:0] state_random_i
);

  // The stages that the generator gives such a unit (NeuronStages in src/schedule), and cycles from a sum to its state and
  // drive, to the random word of its drive, and to that of its state.
  localparam DriveStage = (Inside != 0 || Rounding == 8) ? 4 : 1;
  localparam ErrorCycles = (Inside == 0 || Dynamics != 0) ? 1 : 0;
  localparam Latency = DriveStage + 1 + ErrorCycles + (Dynamics != 0 ? 1 : 0) + 1;
  localparam DriveRandomAt = DriveStage - 1, StateRandomAt = Latency - 1;

  // Fractions: total 6, drive s5.3, state u5.4, beta 2 (3 of 4 quarters), dt 2 (1 of 4 quarters).
  localparam DriveWidth = 5, StateWidth = 5, Grid = 9, Beta = 3, Dt = 1;
  localparam EFrac = 6, XFrac = (Dynamics == 0) ? 6 : 8;
  wire [DriveWidth-1:0] drive;
  wire [StateWidth-1:0] state;
  neuron_unit #(
    .TotalWidth(10), .DriveWidth(DriveWidth), .DriveSigned(DriveSigned), .StateWidth(StateWidth), .StateSigned(0),
    .Output(Output),
    .Inside(Inside), .Rests(Rests), .Dynamics(Dynamics), .Activation(Activation),
    .OneDrive(Activation == 0 ? 8 : 16), .OneState(16), .Beta(Beta), .BetaWidth(4), .Dt(Dt), .DtWidth(4),
    .NudgeWidth(11),
    .SumShift(1), .SumNudgeShift(Inside != 0 ? 1 : 0), .SumWidth(14), .DriveShift(4), .DriveRounding(Rounding),
    .DriveOverflow(Overflow), .FWidth(7), .FShift(Activation == 0 || Dynamics == 2 ? 3 : 2),
    .NudgeShift(0), .StateShift(Dynamics != 0 ? 2 : 0), .EWidth(13),
    .XStateShift(Dynamics != 0 ? 4 : 0), .XWidth(17), .XShift(XFrac - 4), .StateRounding(Rounding),
    .StateOverflow(Overflow), .DriveStage(DriveStage), .ActivationCycles(1), .ErrorCycles(ErrorCycles)
  ) u_dut (
    .clk_i(clk_i), .total_i(total_i), .state_i(state_i), .target_i(target_i), .nudge_i(nudge_i), .rest_i(rest_i),
    .drive_random_i(drive_random_i), .state_random_i(state_random_i), .drive_o(drive), .state_o(state)
  );

  // States are those of the format; the energy-based ones within [0, 1].
  always @* assume (state_i >= 0 && (Dynamics != 2 || state_i <= 16));

  // What came in Latency cycles ago, and what random words came to it on its way.
  localparam DriveAge = Latency - DriveRandomAt, StateAge = Latency - StateRandomAt;
  reg [10*Latency-1:0] totals;
  reg [6*Latency-1:0] states;
  reg [Latency-1:0] targets, rests;
  reg [2*Latency-1:0] nudges;
  reg [32*DriveAge-1:0] drive_randoms;
  reg [32*StateAge-1:0] state_randoms;
  reg [4:0] f_age = 5'd0;
  always @(posedge clk_i) begin
    totals <= {totals, total_i};
    states <= {states, state_i};
    targets <= {targets, target_i};
    rests <= {rests, rest_i};
    nudges <= {nudges, nudge_i};
    drive_randoms <= {drive_randoms, drive_random_i};
    state_randoms <= {state_randoms, state_random_i};
    f_age <= f_age + (f_age != Latency);
  end
  wire f_full = (f_age == Latency);
  wire signed [9:0] total_then = totals[10*Latency-1-:10];
  wire signed [5:0] state_then = states[6*Latency-1-:6];
  wire target_then = targets[Latency-1], rest_then = rests[Latency-1];
  wire [1:0] nudge_then = nudges[2*Latency-1-:2];
  wire [31:0] drive_random_then = drive_randoms[32*DriveAge-1-:32];
  wire [31:0] state_random_then = state_randoms[32*StateAge-1-:32];

  localparam W = 24;
  // On the grid.
  wire signed [W-1:0] total = total_then, was = state_then;
  wire signed [W-1:0] error = (target_then ? 16 : 0) - was;                           // fraction 4
  wire signed [W-1:0] pull = error * Beta;                                        // fraction 6
  wire signed [W-1:0] nudge = (Output == 0 || nudge_then == 0) ? 0 : (nudge_then == 2) ? -pull : pull;
  wire signed [W-1:0] sum = (total <<< (Grid - 6)) + ((Inside != 0) ? nudge <<< (Grid - 6) : 0);
  wire [DriveWidth-1:0] drive_bits;
  requantise #(
    .InWidth(W), .Shift(Grid - 3), .OutWidth(DriveWidth), .OutSigned(DriveSigned), .Rounding(Rounding),
    .Overflow(Overflow)
  ) u_drive (.in_i(sum), .random_i(drive_random_then), .out_o(drive_bits), .saturated_o());
  wire signed [W-1:0] d =
      (DriveSigned != 0) ? $signed({{W{drive_bits[DriveWidth-1]}}, drive_bits})
                         : $signed({{W{1'b0}}, drive_bits});
  wire signed [W-1:0] argument = (Activation == 0 || Dynamics == 2) ? d <<< (Grid - 3) : d <<< (Grid - 4);
  wire signed [W-1:0] one = 1 << Grid;
  wire signed [W-1:0] f = (Dynamics == 2) ? argument : (argument < 0) ? 0 : (argument > one) ? one : argument;
  wire signed [W-1:0] outside = (Inside == 0) ? nudge <<< (Grid - 6) : 0;
  wire signed [W-1:0] state_grid = was <<< (Grid - 4);
  // dt is a quarter: times four instead, and two bits more are dropped.
  wire signed [W-1:0] x = (Dynamics == 0) ? (f + outside) <<< 2 : (state_grid <<< 2) + (f - state_grid + outside) * Dt;
  wire [StateWidth-1:0] state_bits;
  requantise #(
    .InWidth(W), .Shift(Grid + 2 - 4), .OutWidth(StateWidth), .OutSigned(0), .Rounding(Rounding), .Overflow(Overflow)
  ) u_state (.in_i(x), .random_i(state_random_then), .out_o(state_bits), .saturated_o());
  wire [StateWidth-1:0] moved = (Dynamics == 2 && state_bits > 16) ? 16 : state_bits;
  wire [StateWidth-1:0] next = (Rests != 0 && rest_then) ? was : moved;

  always @* if (f_full) begin
    assert (drive == drive_bits);
    assert (state == next);
  end

  always @* cover (f_full && state == 8 && drive != 0);
  always @* cover (f_full && state == 16 && nudge_then == 1);
  always @* cover (f_full && state == 0 && nudge_then == 2);

endmodule

`default_nettype wire
