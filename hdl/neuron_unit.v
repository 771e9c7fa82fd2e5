// The neuron: from the exact sum of its inputs to its next state. One neuron per cycle.
//
//   stage 1  sum of the inputs and present state
//   stage 2  nudge = sign * Beta * (target - state), of output neurons
//   stage 3  sum + inside nudge
//   stage 4  drive = requantise(that)
//   stage 5  rho(drive), by clip or table; rho'(state) for energy-based dynamics
//   stage 6  f = rho(drive), or rho'(state) drive
//   stage 7  e = f + outside nudge, less the state where the dynamics are leaky or energy-based
//   stage 8  x = e, or state + dt e
//   stage 9  state = requantise(x)
//
// A neuron that rests in a pass (even/odd order) keeps its state.
//
// Latency: nine cycles, at most one product or one addition and a rounding each. The twin is src/reference/neuron.rs;
// fractions are aligned by the shifts below, all of them exact.

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
  input  wire [31:0]                    drive_random_i, // three cycles after total_i
  input  wire [31:0]                    state_random_i, // eight cycles after total_i
  output wire [DriveWidth-1:0]          drive_o,        // with state_o
  output wire [StateWidth-1:0]          state_o
);

  localparam HasTable = (Activation == 2 && !(Dynamics == 2 && Output == 1)) ? 1 : 0;

  // Which operands are used depends on the parameters.
  /* verilator lint_off UNUSED */
  /* verilator lint_off WIDTH */

  // Stages 1 and 2.
  wire signed [BetaWidth-1:0] beta = Beta;
  reg target1_q;
  reg [1:0] nudge1_q;
  reg signed [TotalWidth-1:0] total1_q, total2_q;
  reg signed [StateWidth:0] state1_q, state2_q, state3_q, state4_q, state5_q, state6_q, state7_q;
  wire signed [StateWidth+1:0] target1 = target1_q ? OneState : 0;
  wire signed [StateWidth+1:0] error1 = target1 - state1_q;
  wire signed [NudgeWidth-1:0] full_pull1 = error1 * (nudge1_q == 2'd2 ? -beta : beta);
  reg signed [NudgeWidth-1:0] nudge2_q, nudge3_q, nudge4_q, nudge5_q, nudge6_q;
  always @(posedge clk_i) begin
    total1_q <= total_i;
    total2_q <= total1_q;
    target1_q <= target_i;
    nudge1_q <= nudge_i;
    nudge2_q <= (Output == 0 || nudge1_q == 2'd0) ? 0 : full_pull1;
    nudge3_q <= nudge2_q;
    nudge4_q <= nudge3_q;
    nudge5_q <= nudge4_q;
    nudge6_q <= nudge5_q;
    state1_q <= state_i;
    state2_q <= state1_q;
    state3_q <= state2_q;
    state4_q <= state3_q;
    state5_q <= state4_q;
    state6_q <= state5_q;
    state7_q <= state6_q;
  end

  // Stages 3 and 4.
  wire signed [SumWidth-1:0] total_aligned = $signed({{SumWidth{total2_q[TotalWidth-1]}}, total2_q}) <<< SumShift;
  wire signed [SumWidth-1:0] nudge_aligned = $signed({{SumWidth{nudge2_q[NudgeWidth-1]}}, nudge2_q}) <<< SumNudgeShift;
  reg signed [SumWidth-1:0] sum3_q;
  wire [DriveWidth-1:0] drive_d;
  wire drive_saturated;
  requantise #(
    .InWidth(SumWidth), .Shift(DriveShift), .OutWidth(DriveWidth), .OutSigned(DriveSigned),
    .Rounding(DriveRounding), .Overflow(DriveOverflow)
  ) u_drive (
    .in_i(sum3_q), .random_i(drive_random_i), .out_o(drive_d), .saturated_o(drive_saturated)
  );
  reg [DriveWidth-1:0] drive4_q, drive5_q, drive6_q, drive7_q, drive8_q, drive9_q;
  always @(posedge clk_i) begin
    sum3_q <= (Inside != 0) ? total_aligned + nudge_aligned : total_aligned;
    drive4_q <= drive_d;
    drive5_q <= drive4_q;
    drive6_q <= drive5_q;
    drive7_q <= drive6_q;
    drive8_q <= drive7_q;
    drive9_q <= drive8_q;
  end
  assign drive_o = drive9_q;

  // Stages 5 and 6.
  wire signed [DriveWidth:0] drive4 = (DriveSigned != 0) ? {drive4_q[DriveWidth-1], drive4_q} : {1'b0, drive4_q};
  wire signed [DriveWidth:0] drive5 = (DriveSigned != 0) ? {drive5_q[DriveWidth-1], drive5_q} : {1'b0, drive5_q};
  reg signed [FWidth-1:0] f6_q;
  generate
    if (HasTable != 0 && Dynamics != 2) begin : gen_rho
      wire [StateWidth-1:0] rho;
      function_table #(.InWidth(DriveWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(drive4_q), .result_o(rho)
      );
      always @(posedge clk_i)
        f6_q <= (StateSigned != 0) ? $signed({{FWidth{rho[StateWidth-1]}}, rho}) : $signed({{FWidth{1'b0}}, rho});
    end else if (HasTable != 0) begin : gen_slope
      wire [StateWidth-1:0] slope4;
      reg [StateWidth-1:0] slope5_q;
      function_table #(.InWidth(StateWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(state3_q[StateWidth-1:0]), .result_o(slope4)
      );
      always @(posedge clk_i) begin
        slope5_q <= slope4;
        f6_q <= (StateSigned != 0) ? $signed(slope5_q) * drive5 : $signed({1'b0, slope5_q}) * drive5;
      end
    end else if (Dynamics == 2) begin : gen_linear
      always @(posedge clk_i) f6_q <= drive5;
    end else begin : gen_clip
      reg signed [FWidth-1:0] f5_q;
      always @(posedge clk_i) begin
        f5_q <= drive4[DriveWidth] ? 0 : (drive4 > OneDrive) ? OneDrive : drive4;
        f6_q <= f5_q;
      end
    end
  endgenerate

  // Stages 7 and 8.
  wire signed [EWidth-1:0] f_aligned = $signed({{EWidth{f6_q[FWidth-1]}}, f6_q}) <<< FShift;
  wire signed [EWidth-1:0] pull_aligned = $signed({{EWidth{nudge6_q[NudgeWidth-1]}}, nudge6_q}) <<< NudgeShift;
  wire signed [EWidth-1:0] pulled = (Output != 0 && Inside == 0) ? f_aligned + pull_aligned : f_aligned;
  reg signed [EWidth-1:0] e7_q;
  reg signed [XWidth-1:0] x8_q;
  generate
    if (Dynamics == 0) begin : gen_direct
      always @(posedge clk_i) begin
        e7_q <= pulled;
        x8_q <= e7_q;
      end
    end else begin : gen_step
      wire signed [DtWidth-1:0] dt = Dt;
      always @(posedge clk_i) begin
        e7_q <= pulled - ($signed({{EWidth{state6_q[StateWidth]}}, state6_q}) <<< StateShift);
        x8_q <= ($signed({{XWidth{state7_q[StateWidth]}}, state7_q}) <<< XStateShift) + e7_q * dt;
      end
    end
  endgenerate

  // Stage 9.
  wire [StateWidth-1:0] state_d;
  wire state_saturated;
  requantise #(
    .InWidth(XWidth), .Shift(XShift), .OutWidth(StateWidth), .OutSigned(StateSigned),
    .Rounding(StateRounding), .Overflow(StateOverflow)
  ) u_state (
    .in_i(x8_q), .random_i(state_random_i), .out_o(state_d), .saturated_o(state_saturated)
  );

  // Energy-based states live in [0, 1].
  reg [StateWidth-1:0] state9_q;
  wire below = (StateSigned != 0) && state_d[StateWidth-1];
  wire above = ({1'b0, state_d} > OneState);
  reg [8:1] rest_q;
  reg signed [StateWidth:0] state8_q;
  wire [StateWidth-1:0] moved = (Dynamics != 2) ? state_d : below ? 0 : above ? OneState : state_d;
  always @(posedge clk_i) begin
    rest_q <= {rest_q[7:1], (Rests != 0) && rest_i};
    state8_q <= state7_q;
    state9_q <= rest_q[8] ? state8_q[StateWidth-1:0] : moved;
  end
  assign state_o = state9_q;

  /* verilator lint_on WIDTH */
  /* verilator lint_on UNUSED */

endmodule

`default_nettype wire
