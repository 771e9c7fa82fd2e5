// The neuron: from the exact sum of its inputs to its next state. One neuron per cycle.
//
//   stage 1  drive = requantise(sum + inside nudge)
//   stage 2  f = rho(drive), or rho'(state) drive for energy-based dynamics
//   stage 3  state = requantise(f + outside nudge), or requantise(state + dt (f - state + nudge))
//
// A neuron that rests in a pass (even/odd order) keeps its state.
//
// Latency: three cycles. The twin is src/reference/neuron.rs; fractions are aligned by the shifts below, all of them
// exact. nudge = sign * Beta * (target - state), for output neurons.

`default_nettype none

module neuron_unit #(
  parameter TotalWidth = 32,
  parameter DriveWidth = 10,
  parameter DriveSigned = 1,
  parameter StateWidth = 8,
  parameter StateSigned = 0,
  parameter Output = 0,            // 1: output layer, has a nudge
  parameter Inside = 0,            // 1: the nudge enters the drive
  parameter Rests = 0,             // 1: rest_i is looked at
  parameter Dynamics = 0,          // 0 prototypical, 1 leaky, 2 energy-based
  parameter Activation = 0,        // 0 clip(x, 0, 1), 1 clip(x/2, 0, 1), 2 table
  parameter OneDrive = 128,        // where the clip ends, as a raw drive
  parameter OneState = 256,        // 1.0 as a raw state
  parameter Beta = 1,
  parameter BetaWidth = 16,        // signed
  parameter Dt = 1,
  parameter DtWidth = 2,           // signed
  parameter NudgeWidth = 32,
  parameter SumShift = 0,          // total -> sum
  parameter SumNudgeShift = 0,     // nudge -> sum
  parameter SumWidth = 32,
  parameter DriveShift = 16,       // bits dropped from sum to drive
  parameter DriveRounding = 2,
  parameter DriveOverflow = 1,
  parameter FWidth = 32,           // f, rho of the drive
  parameter FShift = 0,            // f -> e
  parameter NudgeShift = 0,        // nudge -> e
  parameter StateShift = 0,        // state -> e
  parameter EWidth = 32,
  parameter XStateShift = 0,       // state -> x
  parameter XWidth = 32,
  parameter XShift = 8,            // bits dropped from x to state
  parameter StateRounding = 2,
  parameter StateOverflow = 1,
  parameter TableFile = "none"     // rho of the drive (Activation 2), or rho' of the state (Dynamics 2, Activation 2, hidden)
) (
  input  wire                           clk_i,
  input  wire signed [TotalWidth-1:0]   total_i,
  input  wire signed [StateWidth:0]     state_i,        // one bit more than the format: signed either way
  input  wire                           target_i,
  input  wire [1:0]                     nudge_i,        // 0 none, 1 plus, 2 minus
  input  wire                           rest_i,
  input  wire [31:0]                    drive_random_i, // with total_i
  input  wire [31:0]                    state_random_i, // two cycles after total_i
  output wire [DriveWidth-1:0]          drive_o,        // with state_o
  output wire [StateWidth-1:0]          state_o
);

  localparam HasTable = (Activation == 2 && !(Dynamics == 2 && Output == 1)) ? 1 : 0;

  // Which operands are used depends on the parameters.
  /* verilator lint_off UNUSED */
  /* verilator lint_off WIDTH */

  // Nudge.
  wire signed [StateWidth+1:0] target = target_i ? OneState : 0;
  wire signed [BetaWidth-1:0] beta = Beta;
  wire signed [StateWidth+1:0] error = target - state_i;
  wire signed [NudgeWidth-1:0] pull = error * beta;
  wire signed [NudgeWidth-1:0] nudge = (Output == 0 || nudge_i == 2'd0) ? 0 : (nudge_i == 2'd2) ? -pull : pull;

  // Stage 1.
  wire signed [SumWidth-1:0] total_aligned = $signed({{SumWidth{total_i[TotalWidth-1]}}, total_i}) <<< SumShift;
  wire signed [SumWidth-1:0] nudge_aligned = $signed({{SumWidth{nudge[NudgeWidth-1]}}, nudge}) <<< SumNudgeShift;
  wire signed [SumWidth-1:0] sum = (Inside != 0) ? total_aligned + nudge_aligned : total_aligned;
  wire [DriveWidth-1:0] drive_d;
  wire drive_saturated;
  requantise #(
    .InWidth(SumWidth), .Shift(DriveShift), .OutWidth(DriveWidth), .OutSigned(DriveSigned),
    .Rounding(DriveRounding), .Overflow(DriveOverflow)
  ) u_drive (
    .in_i(sum), .random_i(drive_random_i), .out_o(drive_d), .saturated_o(drive_saturated)
  );

  reg [DriveWidth-1:0] drive1_q, drive2_q, drive3_q;
  reg signed [StateWidth:0] state1_q, state2_q;
  reg signed [NudgeWidth-1:0] nudge1_q, nudge2_q;
  reg rest1_q, rest2_q;
  always @(posedge clk_i) begin
    drive1_q <= drive_d;
    drive2_q <= drive1_q;
    drive3_q <= drive2_q;
    state1_q <= state_i;
    state2_q <= state1_q;
    nudge1_q <= nudge;
    nudge2_q <= nudge1_q;
    rest1_q <= (Rests != 0) && rest_i;
    rest2_q <= rest1_q;
  end
  assign drive_o = drive3_q;

  // Stage 2.
  wire signed [DriveWidth:0] drive1 = (DriveSigned != 0) ? {drive1_q[DriveWidth-1], drive1_q} : {1'b0, drive1_q};
  wire signed [DriveWidth:0] drive2 = (DriveSigned != 0) ? {drive2_q[DriveWidth-1], drive2_q} : {1'b0, drive2_q};
  wire signed [FWidth-1:0] f2;
  generate
    if (HasTable != 0 && Dynamics != 2) begin : gen_rho
      wire [StateWidth-1:0] rho;
      function_table #(.InWidth(DriveWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(drive1_q), .result_o(rho)
      );
      assign f2 = (StateSigned != 0) ? $signed({{FWidth{rho[StateWidth-1]}}, rho}) : $signed({{FWidth{1'b0}}, rho});
    end else if (HasTable != 0) begin : gen_slope
      wire [StateWidth-1:0] slope;
      function_table #(.InWidth(StateWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(state1_q[StateWidth-1:0]), .result_o(slope)
      );
      assign f2 = (StateSigned != 0) ? $signed(slope) * drive2 : $signed({1'b0, slope}) * drive2;
    end else if (Dynamics == 2) begin : gen_linear
      assign f2 = drive2;
    end else begin : gen_clip
      reg signed [FWidth-1:0] f_q;
      always @(posedge clk_i) f_q <= drive1[DriveWidth] ? 0 : (drive1 > OneDrive) ? OneDrive : drive1;
      assign f2 = f_q;
    end
  endgenerate

  // Stage 3.
  wire signed [EWidth-1:0] f_aligned = $signed({{EWidth{f2[FWidth-1]}}, f2}) <<< FShift;
  wire signed [EWidth-1:0] pull_aligned = $signed({{EWidth{nudge2_q[NudgeWidth-1]}}, nudge2_q}) <<< NudgeShift;
  wire signed [EWidth-1:0] pulled = (Output != 0 && Inside == 0) ? f_aligned + pull_aligned : f_aligned;
  wire signed [XWidth-1:0] x;
  generate
    if (Dynamics == 0) begin : gen_direct
      assign x = pulled;
    end else begin : gen_step
      wire signed [DtWidth-1:0] dt = Dt;
      wire signed [EWidth-1:0] e = pulled - ($signed({{EWidth{state2_q[StateWidth]}}, state2_q}) <<< StateShift);
      assign x = ($signed({{XWidth{state2_q[StateWidth]}}, state2_q}) <<< XStateShift) + e * dt;
    end
  endgenerate

  wire [StateWidth-1:0] state_d;
  wire state_saturated;
  requantise #(
    .InWidth(XWidth), .Shift(XShift), .OutWidth(StateWidth), .OutSigned(StateSigned),
    .Rounding(StateRounding), .Overflow(StateOverflow)
  ) u_state (
    .in_i(x), .random_i(state_random_i), .out_o(state_d), .saturated_o(state_saturated)
  );

  // Energy-based states live in [0, 1].
  reg [StateWidth-1:0] state3_q;
  wire below = (StateSigned != 0) && state_d[StateWidth-1];
  wire above = ({1'b0, state_d} > OneState);
  wire [StateWidth-1:0] moved = (Dynamics != 2) ? state_d : below ? 0 : above ? OneState : state_d;
  always @(posedge clk_i) state3_q <= rest2_q ? state2_q[StateWidth-1:0] : moved;
  assign state_o = state3_q;

  /* verilator lint_on WIDTH */
  /* verilator lint_on UNUSED */

endmodule

`default_nettype wire
